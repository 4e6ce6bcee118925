"""A provisioner for each resource type, in a module per layer; the import registers them all."""

from local.resources import (
    buckets,
    compute,
    edge,
    identity,
    jobs,
    monitoring,
    routing,
    secrets,
    storage,
)

__all__ = [
    "buckets",
    "compute",
    "edge",
    "identity",
    "jobs",
    "monitoring",
    "routing",
    "secrets",
    "storage",
]
