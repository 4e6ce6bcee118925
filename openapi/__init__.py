"""Builds the OpenAPI 3.0.1 document of the API from the declarations, without Pulumi."""
