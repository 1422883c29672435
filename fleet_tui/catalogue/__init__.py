"""Templates of agents: what ships, what the project and the person add, and an agent made from one."""
