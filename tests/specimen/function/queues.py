"""The specimen has no queues."""
