"""What the AWS provider asks of API Gateway and CloudWatch, answered as AWS does."""

from typing import Any

from ministack.services import apigateway_v1, cloudwatch

# pylint: disable=protected-access
_create_key = apigateway_v1._create_api_key
_take = apigateway_v1._take_token
_dashboard_error = cloudwatch._error


def _create_api_key(data: dict[str, Any]) -> Any:
    """Make a key; an empty value is none, and AWS makes one up."""
    return _create_key({name: value for name, value in data.items() if name != "value" or value})


def _take_token(slot: Any, limits: dict[str, Any]) -> bool:
    """Return whether a call is within its limits, of which -1 is none."""
    known = {name: limit for name, limit in limits.items() if limit is None or float(limit) >= 0}
    return bool(_take(slot, known))


def _error(code: str, message: str, *rest: Any, **options: Any) -> Any:
    if code == "ResourceNotFound" and message.startswith("Dashboard "):
        code = "DashboardNotFoundError"
    return _dashboard_error(code, message, *rest, **options)


def install() -> None:
    """Put these in the place of MiniStack's."""
    apigateway_v1._create_api_key = _create_api_key
    apigateway_v1._take_token = _take_token
    cloudwatch._error = _error
