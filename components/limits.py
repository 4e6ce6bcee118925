"""AWS's limits, checked before AWS refuses a deployment."""

from collections.abc import Mapping

import pulumi

from components.errors import ConfigError

# IAM's characters of all inline policies of a role, without white space.
ROLE_POLICY_SIZE = 10_240
# Lambda's bytes of the names and values of a function's variables, and of its code. Lambda takes a
# larger zip from S3 alone; without a bucket, the deployment of a bundle is one atomic call.
ENVIRONMENT_SIZE = 4_096
ZIP_SIZE = 50 * 1_024 * 1_024
UNPACKED_SIZE = 250 * 1_024 * 1_024
# API Gateway's bytes of an imported document, and its default quota of the resources of an API.
DOCUMENT_SIZE = 6 * 1_024 * 1_024
API_RESOURCES = 300
# API Gateway's default quota of the usage plans of an account in a region.
USAGE_PLANS = 300
# CloudWatch's widgets of a dashboard, and metrics of all of them. It limits no number of alarms.
DASHBOARD_WIDGETS, DASHBOARD_METRICS = 500, 2_500
# The API keys whose ids and callers fit the 100 variables of a stage.
API_KEYS = 1_000


def check(subject: str, sizes: Mapping[str, int], limit: int, unit: str, way_out: str) -> None:
    """Raise ConfigError with the three largest parts if `sizes` exceed a limit together."""
    if (total := sum(sizes.values())) > limit:
        largest = sorted(sizes.items(), key=lambda part: -part[1])[:3]
        raise ConfigError(
            f"{subject} has {total:,} {unit}; AWS allows {limit:,}. Largest: "
            f"{', '.join(f'{name} ({size:,})' for name, size in largest)}. {way_out}"
        )


def check_quota(subject: str, count: int, quota: str, default: int, way_out: str) -> None:
    """Warn if `count` exceeds the default of an account's quota, which AWS raises on request."""
    if count > default:
        pulumi.log.warn(
            f"{subject}; an account's default quota '{quota}' is {default}. Raise it before the "
            f"deployment, or {way_out}"
        )
