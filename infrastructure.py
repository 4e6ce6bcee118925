"""Your own AWS resources, and their links for endpoints and jobs."""

from bootstrap.policies import Grant
from components import Linked, StackConfig

# The rights of the deploy role for your types of resources, beyond those of bootstrap/policies.py.
DEPLOY_GRANTS: tuple[Grant, ...] = ()


def infrastructure(name: str, config: StackConfig) -> dict[str, Linked]:  # noqa: ARG001
    """Declare your resources; return that of each link of function/links.py, by its name.

    Begin the name of each resource with `name`, the stack's prefix, so that the deploy role may
    create it. `config` is the stack's config. See docs/extending/resources.md.
    """
    return {}
