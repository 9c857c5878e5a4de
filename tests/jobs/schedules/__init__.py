"""Jobs that start by themselves."""
