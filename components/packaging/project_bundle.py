"""The bundle of this project's own package, `function`."""

from pathlib import Path

from components.packaging.archive import Bundle
from function.endpoints import by_module
from function.jobs import declared as declared_jobs
from function.messages import declared_queues
from function.resources import declared_settings
from function.services import Service

PACKAGE = Path(__file__).parents[2] / "function"


def project_bundle() -> Bundle:
    """Return the bundle, with the AWS services that the declarations name."""
    access = {f"function/endpoints/{name}.py": one.access for name, one in by_module().items()}
    access |= {f"function/jobs/{name}.py": job.access for name, job in declared_jobs().items()}
    services = {
        item.name: file for file in access for item in access[file] if isinstance(item, Service)
    }
    if declared_queues():
        services["sqs"] = "function/queues.py"
    if any(setting.secret for setting in declared_settings().values()):
        services["secretsmanager"] = "function/settings.py"
    return Bundle(package=PACKAGE, services=services)
