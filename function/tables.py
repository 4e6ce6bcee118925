"""The tables that endpoints may use, each one line."""

from function.resources import Table

EPOCHS = Table(name="epochs", partition_key="key")
