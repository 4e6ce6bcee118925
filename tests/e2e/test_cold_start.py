"""The modules that a cold start of the function imports."""

import pytest

from function.declare.permission import BucketPermission, QueuePermission, ServicePermission
from function.declare.registry import load_endpoints
from local.stack_files import ROOT
from tests.conftest import run_python

pytestmark = pytest.mark.conformance

# The modules that only an endpoint with such a permission needs.
USED = {
    BucketPermission: {"buckets", "declare.bucket", "runtime.s3"},
    QueuePermission: {"declare.queue", "queues", "runtime.sqs"},
    ServicePermission: {"runtime.service"},
}


@pytest.fixture(name="found", scope="module")
def _found() -> set[str]:
    """Return the modules that the import of the function loads."""
    loaded = "import sys, function.runtime.api_handler; print(*sys.modules)"
    return {*run_python(ROOT, "-c", loaded).split()}


def test_a_cold_start_of_a_request_loads_nothing_of_jobs_queues_and_services(
    found: set[str],
) -> None:
    optional = {"declare.job", "declare.job_registry", "jobs", "runtime.job_handler"}
    declared = {type(one) for endpoint in load_endpoints() for one in endpoint.permissions}
    for permission, modules in USED.items():
        if permission not in declared:
            optional |= modules
    assert "function.runtime.dynamodb" in found
    assert not found & {f"function.{name}" for name in optional} and "zoneinfo" not in found


def test_only_an_endpoint_that_declares_a_body_pays_for_it(found: set[str]) -> None:
    bodies_of = [endpoint.body for endpoint in load_endpoints() if endpoint.body is not None]
    types = [
        *bodies_of,
        *(kind for endpoint in load_endpoints() for kind in endpoint.responses.values()),
    ]
    unused = set() if bodies_of else {"function.runtime.body"}
    unused |= set() if any(isinstance(kind, type) for kind in types) else {"msgspec"}
    assert not unused & found


def test_the_function_imports_without_the_sdk_and_the_tracer(found: set[str]) -> None:
    heavy = {"boto3", "botocore", "aws_xray_sdk", "urllib3", "asyncio", "ssl", "pulumi"}
    assert not heavy & {name.partition(".")[0] for name in found}


def _run(code: str, **variables: str) -> None:
    # Without a measurement of coverage, which imports more.
    run_python(ROOT, "-c", code, PYTHONPATH="", COVERAGE_PROCESS_START="", **variables)


def _run_in_region(code: str) -> None:
    _run(code, AWS_DEFAULT_REGION="eu-west-1")


def test_botocore_loads_without_its_documentation_and_the_metadata_of_packages() -> None:
    _run_in_region(
        "import sys; from function.runtime import aws_client; aws_client._client('dynamodb');"
        "assert not {'botocore.docs', 'html', 'importlib.metadata', 'boto3'} & set(sys.modules);"
        "from urllib3 import http2; http2.version('urllib3');"
        "from botocore.docs.docstring import ClientMethodDocstring, LazyLoadedDocstring;"
        "assert issubclass(ClientMethodDocstring, LazyLoadedDocstring)"
    )


def test_a_botocore_that_needs_more_of_a_module_is_imported_with_it() -> None:
    _run_in_region(
        "import sys; from function.runtime import aws_client, lean_imports;"
        "empty = lean_imports.stand_in; lean_imports.stand_in = lambda name, **_: empty(name);"
        "aws_client._client('dynamodb'); assert 'botocore.docs.docstring' in sys.modules"
    )


def test_botocore_registers_handlers_under_the_same_names_and_refuses_the_same_ones() -> None:
    _run_in_region(
        "from botocore import hooks;"
        "names = [f'{a}.{name}.{z}' for name in hooks.EVENT_ALIASES for a in 'xs' for z in 'PQ'];"
        "names += [*hooks.EVENT_ALIASES, 'before-send.dynamodb.PutItem', 'x.api.y.pricing', ''];"
        "named = hooks.EventAliaser._alias_event_name;"
        "expected = [named(hooks.EventAliaser(None), one) for one in names];"
        "from function.runtime import aws_client; client = aws_client._client('dynamodb');"
        "assert named is not hooks.EventAliaser._alias_event_name;"
        "aliaser = hooks.EventAliaser(None);"
        "assert expected == [aliaser._alias_event_name(one) for one in names * 2][len(names):];"
        "Good = type('', (), {'__call__': lambda self, **_: 0, 'method': lambda self, **_: 0});"
        "Bad = type('', (), {'__call__': lambda self: 0, 'method': lambda self, a: 0});"
        "from functools import partial;"
        "good = [lambda **_: 0, Good(), Good().method, partial(Good())];"
        "[client.meta.events.register('a', one) for one in good];"
        "import pytest;"
        "bad = [lambda a: 0, Bad(), Bad().method, partial(Bad())];"
        "[pytest.raises(ValueError, client.meta.events.register, 'a', one) for one in bad]"
    )


def test_botocores_data_classes_keep_their_defaults_and_arguments() -> None:
    _run_in_region(
        "from function.runtime import aws_client; aws_client._client('dynamodb');"
        "from botocore import context, plugin;"
        "first, second = context.ClientContext(), context.ClientContext();"
        "assert first.features == set() and first.features is not second.features;"
        "assert plugin.PluginContext().plugins is None;"
        "assert plugin.PluginContext('a').plugins == plugin.PluginContext(plugins='a').plugins;"
        "import dataclasses; assert plugin.dataclass is not dataclasses.dataclass"
    )


def test_two_first_calls_at_once_import_botocore_once() -> None:
    _run_in_region(
        "import os, threading; threading.excepthook = lambda _: os._exit(3);"
        "from function.runtime import aws_client;"
        "from concurrent.futures import ThreadPoolExecutor;"
        "[*ThreadPoolExecutor(2).map(aws_client._client, ('dynamodb', 's3'))];"
        "import sys; assert 'dis' not in sys.modules"
    )


def test_botocore_runs_modules_and_compiles_patterns_when_they_are_used() -> None:
    _run_in_region(
        "import sys, re; from function.runtime import aws_client;"
        "client = aws_client._client('dynamodb');"
        "from botocore import handlers, waiter;"
        "assert not {'dataclasses', 'dis', 'jmespath.visitor'} & set(sys.modules);"
        "assert isinstance(handlers.VALID_BUCKET, re.Pattern);"
        "assert vars(handlers.VALID_BUCKET).keys() == {'_source'};"
        "assert handlers.VALID_BUCKET.search('a-bucket') and re.match(handlers.VALID_BUCKET, 'b');"
        "assert waiter.WaiterModel and re.compile('a').__class__ is type(re.compile('a'));"
        "import jmespath; assert jmespath.search('a.b', {'a': {'b': 1}}) == 1"
    )


def test_the_tracer_loads_without_the_imports_of_its_decorators() -> None:
    code = (
        "import sys; from function.runtime import telemetry; telemetry._sdk();"
        "assert not {'asyncio', 'inspect', 'wrapt'} & set(sys.modules); import wrapt; wrapt.ObjectProxy"
    )
    _run(code, LAMBDA_TASK_ROOT=str(ROOT))
