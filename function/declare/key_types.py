"""Text in a body or a typed parameter that fits DynamoDB's keys, if it is ASCII."""

from typing import Annotated

import msgspec

from function.declare.table import PARTITION_KEY_BYTES, SORT_KEY_BYTES

PartitionKey = Annotated[str, msgspec.Meta(min_length=1, max_length=PARTITION_KEY_BYTES)]
SortKey = Annotated[str, msgspec.Meta(min_length=1, max_length=SORT_KEY_BYTES)]
