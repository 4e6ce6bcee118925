"""Every module in this package declares one custom authorizer, as its `AUTHORIZER`."""
