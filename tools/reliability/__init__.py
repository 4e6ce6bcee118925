"""Proof by running: nothing is lost, doubled or told, whatever fails."""
