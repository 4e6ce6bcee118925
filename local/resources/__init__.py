"""A provisioner for each resource type, in a module per layer; the import registers them all."""

from local.resources import (
    backups,
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
    "backups",
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
