"""IAM roles, their policies, and their permissions boundary."""
