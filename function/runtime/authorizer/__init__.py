"""The function of the authorizers. Only its bundle holds this package and its libraries."""
