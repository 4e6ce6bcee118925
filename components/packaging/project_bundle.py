"""The bundles of this project's own package, `function`."""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from components.packaging.archive import Bundle
from function.declare import authorizer_registry
from function.declare.job_registry import load_jobs
from function.declare.loader import endpoints_by_module
from function.declare.permission import Link, Permission, ServicePermission
from function.declare.registry import load_buckets, load_queues, load_settings, load_topics

PACKAGE = Path(__file__).parents[2] / "function"

# Only the bundle of the authorizers holds these folders.
_OF_AUTHORIZERS = ("authorizers", "runtime/authorizer")


def project_bundle() -> Bundle:
    """Return the bundle of endpoints and jobs, with the AWS services that they name."""
    declared = [endpoint.permissions for endpoint in endpoints_by_module().values()]
    declared += [job.permissions for job in load_jobs().values()]
    return Bundle(package=PACKAGE, services=_services(chain(*declared)), without=_OF_AUTHORIZERS)


def authorizer_bundle() -> Bundle:
    """Return the bundle of the authorizers, with the AWS services that they name."""
    authorizers = authorizer_registry.load_authorizers().values()
    permissions = chain(*(authorizer.permissions for authorizer in authorizers))
    lock = "authorizers/requirements.txt"
    return Bundle(package=PACKAGE, services=_services(permissions), locks=(lock,))


def _services(permissions: Iterable[Permission]) -> frozenset[str]:
    """Return the AWS services of permissions and of the project's resources, by boto3's names."""
    named = {
        one.name if isinstance(one, ServicePermission) else one.service
        for one in permissions
        if isinstance(one, ServicePermission | Link)
    }
    used = {
        "s3": load_buckets(),
        "secretsmanager": [one for one in load_settings().values() if one.secret],
        "sns": load_topics(),
        "sqs": load_queues(),
    }
    return frozenset({*filter(None, named), *(service for service, by in used.items() if by)})
