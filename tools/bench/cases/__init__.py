"""One module for each case: `call()` does the work once and returns status and body.

They are copied beside what they need, and run there alone.
"""
