"""From values to lines. Pure: the time is an argument, nothing is read or remembered."""
