"""The queues that endpoints and jobs may send to, and jobs take messages from, each one line."""
