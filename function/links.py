"""The resources of infrastructure.py that endpoints and jobs use, one line each."""
