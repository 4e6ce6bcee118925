"""The bundle that Lambda runs."""
