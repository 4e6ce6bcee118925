"""What is changed on every resource of a stack."""
