"""The bundle of this project's own package, `function`."""

from pathlib import Path

from components.packaging.archive import Bundle
from function.declare.job_registry import load_jobs
from function.declare.loader import endpoints_by_module
from function.declare.permission import Link, ServicePermission
from function.declare.registry import load_buckets, load_queues, load_settings

PACKAGE = Path(__file__).parents[2] / "function"


def project_bundle() -> Bundle:
    """Return the bundle, with the AWS services that the declarations name."""
    access = {
        f"function/endpoints/{name}.py": one.permissions
        for name, one in endpoints_by_module().items()
    }
    access |= {f"function/jobs/{name}.py": job.permissions for name, job in load_jobs().items()}
    services = {}
    for file, permissions in access.items():
        for one in permissions:
            if isinstance(one, ServicePermission):
                services[one.name] = file
            elif isinstance(one, Link) and one.service:
                services[one.service] = file
    if load_queues():
        services["sqs"] = "function/queues.py"
    if load_buckets():
        services["s3"] = "function/buckets.py"
    if any(setting.secret for setting in load_settings().values()):
        services["secretsmanager"] = "function/settings.py"
    return Bundle(package=PACKAGE, services=services)
