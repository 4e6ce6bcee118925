"""What of the documentation is drawn."""
