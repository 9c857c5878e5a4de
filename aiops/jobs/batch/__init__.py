"""A job by the provider's batches: many rows in one file, answered within a day for half the price.

filling → submitting → looking → reading; what is left over goes into another batch, or is asked one by one.
"""
