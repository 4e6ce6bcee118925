"""Text in a body that fits DynamoDB's keys, if it is ASCII; a Parameter has `max_bytes`."""

from typing import Annotated

import msgspec

from function.declare.table import PARTITION_KEY_BYTES, SORT_KEY_BYTES

PartitionKey = Annotated[str, msgspec.Meta(min_length=1, max_length=PARTITION_KEY_BYTES)]
SortKey = Annotated[str, msgspec.Meta(min_length=1, max_length=SORT_KEY_BYTES)]
