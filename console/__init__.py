"""The web page of a local run, and the command that serves it."""
