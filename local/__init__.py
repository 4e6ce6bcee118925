"""The embedded default: the same program on this machine, without AWS, Docker or the Pulumi CLI."""
