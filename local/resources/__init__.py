"""One small translation per resource type, in a module per layer; importing it enters them all."""

from local.resources import compute, edge, identity, jobs, monitoring, routing, secrets, storage

__all__ = ["compute", "edge", "identity", "jobs", "monitoring", "routing", "secrets", "storage"]
