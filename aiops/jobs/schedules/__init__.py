"""Jobs that start by themselves: what, over which rows, when, and with whose permissions."""
