"""Every module in this package declares one endpoint, as its `ENDPOINT`."""

# The API's version for its clients (semver.org): another first number where one of them may break.
VERSION = "1.0.0"
