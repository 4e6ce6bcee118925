"""The specimen's table."""

from function.declare.table import Table

THINGS = Table(name="things", partition_key="id")
