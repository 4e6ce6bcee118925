"""The SNS topics that endpoints and jobs publish to and jobs subscribe to, each one line."""
