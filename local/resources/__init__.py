"""A module for each layer of the stack, with its provisioners and its table `CALLS`."""

import importlib
import pkgutil

from local.provisioner import provisions

for _found in pkgutil.iter_modules(__path__, f"{__name__}."):
    for _kind, _calls in getattr(importlib.import_module(_found.name), "CALLS", {}).items():
        provisions(_kind, updatable=bool(_calls.updates))(_calls.provision)
