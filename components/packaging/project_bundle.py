"""The bundles of this project's own package, `function`."""

from collections.abc import Iterable, Mapping
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
    access = {
        f"function/endpoints/{name}.py": one.permissions
        for name, one in endpoints_by_module().items()
    }
    access |= {f"function/jobs/{name}.py": job.permissions for name, job in load_jobs().items()}
    return Bundle(package=PACKAGE, services=_services(access), without=_OF_AUTHORIZERS)


def authorizer_bundle() -> Bundle:
    """Return the bundle of the authorizers, with the AWS services that they name."""
    access = {
        f"function/authorizers/{name}.py": one.permissions
        for name, one in authorizer_registry.load_authorizers().items()
    }
    lock = "authorizers/requirements.txt"
    return Bundle(package=PACKAGE, services=_services(access), locks=(lock,))


def _services(access: Mapping[str, Iterable[Permission]]) -> dict[str, str]:
    """Return the AWS services by boto3's names, each with the file that names it."""
    services = {}
    for file, permissions in access.items():
        for one in permissions:
            if isinstance(one, ServicePermission):
                services[one.name] = file
            elif isinstance(one, Link) and one.service:
                services[one.service] = file
    if load_queues():
        services["sqs"] = "function/queues.py"
    if load_topics():
        services["sns"] = "function/topics.py"
    if load_buckets():
        services["s3"] = "function/buckets.py"
    if any(setting.secret for setting in load_settings().values()):
        services["secretsmanager"] = "function/settings.py"
    return services
