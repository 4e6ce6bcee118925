"""What checks and ships the stack."""
