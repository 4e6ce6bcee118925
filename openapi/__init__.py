"""The API's document: OpenAPI 3.0.1, made from the declarations alone; it knows no Pulumi."""
