"""The forge beyond this machine: looked at beside the passes, told what the fleet does, followed in what it shows."""
