"""The fleet for programs that speak MCP (Model Context Protocol), over stdin and stdout.

``agent`` serves the program of an agent, with the agent's own identity; ``operator`` serves a person's assistant.
"""
