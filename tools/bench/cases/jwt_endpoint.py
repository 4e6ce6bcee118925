"""POST /jwt: POST /epoch for the bearer of a token with a scope."""

from function.declare.auth import Jwt
from function.endpoints.post_epoch import ENDPOINT as FIRST

ENDPOINT = FIRST._replace(
    path="/jwt",
    auth=Jwt("https://login.example.com", "shop"),
    scopes=("epochs/write",),
    sample=None,
)
