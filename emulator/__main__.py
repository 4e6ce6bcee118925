"""Runs MiniStack with the repairs of this package: `python -m emulator SOCKET`.

SOCKET is the number of an inherited, bound socket. emulator/README.md lists the repairs.
"""

import gc
import os
import sys
from pathlib import Path

from emulator import patching

# Importing a repair module already looks up names of MiniStack.
with patching.exit_on_mismatch():
    from emulator import (
        admission,
        async_invoke,
        cloudwatch_query,
        event_source_mappings,
        iam,
        lambda_code,
        lambda_workers,
        limits,
        number_keys,
        repeated_work,
        scheduler,
        server,
        time_to_live,
    )
    from emulator.api_gateway import (
        authorizers,
        documentation,
        errors,
        import_api,
        instances,
        proxy_event,
        stage,
        usage,
    )

# Where several patches wrap one name, the last one is the outermost.
_REPAIRS = (
    *(proxy_event, iam, limits, documentation, import_api, instances, stage, errors, scheduler),
    *(async_invoke, event_source_mappings, number_keys, time_to_live, usage, cloudwatch_query),
    *(lambda_code, lambda_workers, repeated_work),
)


def _patches() -> list[patching.Patch]:
    """Return all patches of this run in their order; admission is the last, so the outermost."""
    patches = [patch for repair in _REPAIRS for patch in repair.PATCHES]
    # Removed from the environment, because functions would inherit it.
    patches += authorizers.patches(os.environ.pop("EPOCH_TEST_ISSUER", ""))
    if path := os.environ.pop("EPOCH_PERSIST_FILE", ""):
        from emulator import persistence

        patches += persistence.patches(Path(path))
    if port := os.environ.pop("EPOCH_DEBUG_PORT", ""):
        from emulator import debugger

        patches += debugger.patches(int(port))
    if address := os.environ.pop("EPOCH_EVENTS_ADDRESS", ""):
        from emulator import event_reporter

        patches += event_reporter.patches(address)
    return [*patches, *admission.patches(int(os.environ["GATEWAY_PORT"]))]


if __name__ == "__main__":
    with patching.exit_on_mismatch():
        patching.install(_patches())
    # MiniStack's modules stay. Searching them for garbage would take a tenth of a request.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)
    server.serve(int(sys.argv[1]))
