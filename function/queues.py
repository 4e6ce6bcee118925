"""The queues that endpoints and jobs send to and jobs consume, one line each."""
