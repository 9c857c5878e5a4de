"""Processes that die at the worst moment, and what must be true when the work is done.

`make chaos KILLS=100 SEED=1`, or `python -m tests.chaos --help`.
"""
