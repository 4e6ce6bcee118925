"""POST /body: POST /epoch with a declared body."""

from typing import Annotated

import msgspec
from function.endpoints.post_epoch import ENDPOINT as FIRST


class Note(msgspec.Struct, forbid_unknown_fields=True):
    """A body with a text, a list and a number."""

    title: Annotated[str, msgspec.Meta(max_length=200)]
    tags: list[str]
    count: int = 0


ENDPOINT = FIRST._replace(path="/body", body=Note, sample=None)
