"""`make bench`: measures the function beside its alternatives."""
