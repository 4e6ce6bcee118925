"""The Lambda package. It imports no Pulumi, and nothing of the project outside of itself."""
