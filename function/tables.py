"""The tables of endpoints and jobs, one line each."""

from function.declare.table import Table
from function.settings import RETENTION_DAYS

EPOCHS_TABLE = Table(name="epochs", partition_key="key", ttl_setting=RETENTION_DAYS)
