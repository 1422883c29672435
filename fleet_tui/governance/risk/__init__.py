"""Risk: what was seen of a run or pull request, and the points that rules give for it. Pure."""
