"""The buckets that endpoints and jobs may use, each one line."""
