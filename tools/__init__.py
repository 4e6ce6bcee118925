"""Tools that check, measure and release the stack."""
