"""What checks and draws the declared stack: the security scan, the snapshot and the diagram."""
