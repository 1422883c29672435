"""What the fleet is made of: ids, states, events, values, errors. Standard library only."""
