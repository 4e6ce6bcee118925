"""The tables that endpoints may use: names, attributes and where the function finds them."""

from typing import NamedTuple


class Table(NamedTuple):
    """A DynamoDB table. `environment` is the variable that tells the function its name."""

    name: str
    partition_key: str
    environment: str


EPOCHS = Table(name="epochs", partition_key="key", environment="EPOCH_TABLE")

TABLES = {table.name: table for table in (EPOCHS,)}
