"""Repairs of MiniStack's API Gateway."""
