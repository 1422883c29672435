"""Fan-out: whether a ticket is work for several agents side by side, and how it would be divided. Evidence only."""
