"""Types that only a team's infrastructure.py declares."""

from local.calls import Calls

CALLS = {
    "aws:cognito/userPool:UserPool": Calls(
        "create_user_pool",
        named="PoolName",
        renamed={"tags": "UserPoolTags"},
        id="{Id}",
        arn="{Arn}",
    ),
    "aws:cognito/userPoolClient:UserPoolClient": Calls(
        "create_user_pool_client", named="ClientName", id="{ClientId}"
    ),
    "aws:kinesis/stream:Stream": Calls(
        "create_stream",
        named="StreamName",
        id="arn:aws:kinesis:{region}:{account}:stream/{name}",
        arn="arn:aws:kinesis:{region}:{account}:stream/{name}",
    ),
}
