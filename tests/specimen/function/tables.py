"""The specimen's table."""

from function.resources import Table

THINGS = Table(name="things", partition_key="id")
