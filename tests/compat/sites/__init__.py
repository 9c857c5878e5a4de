"""Functions of a shop that have moved over. Nobody imports these modules but the tests that are about them."""
