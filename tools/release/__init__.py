"""What the pipeline runs before, at and after a deployment."""
