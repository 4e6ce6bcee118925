"""The pipeline's commands before, during and after a deployment."""
