"""Every module in this package declares one endpoint, as its `ENDPOINT`."""

# The API's version (semver.org). Raise the first number for a change that may break a client.
VERSION = "1.0.0"
