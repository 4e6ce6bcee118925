"""Passes pip's network settings on to uv, which reads neither pip.conf nor PIP_* variables.

Other settings of pip, such as `target`, `user` and `constraint`, stay behind: they would change
the installed files. `tools/make_venv.py` runs this file before any environment exists, so it
imports the standard library only. As a command, `python pip_settings.py UV ARGUMENT...` runs uv.
"""

import ast
import os
import re
import subprocess
import sys

# uv's variables for the options of pip that concern the network.
_UV = {
    "cert": ("SSL_CERT_FILE",),
    "client-cert": ("SSL_CLIENT_CERT",),
    "default-timeout": ("UV_HTTP_TIMEOUT",),
    "extra-index-url": ("UV_INDEX",),
    "find-links": ("UV_FIND_LINKS",),
    "index-url": ("UV_DEFAULT_INDEX",),
    "keyring-provider": ("UV_KEYRING_PROVIDER",),
    "no-index": ("UV_DEFAULT_INDEX",),
    "proxy": ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"),
    "retries": ("UV_HTTP_RETRIES",),
    "timeout": ("UV_HTTP_TIMEOUT",),
    "trusted-host": ("UV_INSECURE_HOST",),
    "use-feature": ("UV_SYSTEM_CERTS",),
}
# These change the result of an installation, as pip's options do that stay behind.
_UV_DROPPED = {
    *("UV_BUILD_CONSTRAINT", "UV_CONSTRAINT", "UV_EXCLUDE", "UV_OVERRIDE", "UV_PYTHON"),
    *("UV_EXCLUDE_NEWER", "UV_NO_BINARY", "UV_NO_VERIFY_HASHES", "UV_SYSTEM_PYTHON"),
}

ADVICE = (
    "check the network, or set PIP_INDEX_URL for a mirror, PIP_CERT for its certificate, "
    "PIP_PROXY for a proxy"
)


def without_credentials(text: str) -> str:
    """Return the text without the user names and passwords of its URLs."""
    return re.sub(r"(?<=//)[^\s/]*(:\S*)?@", "", text)


def settings(python: str) -> dict[str, str]:
    """Return the effective settings for the network of an interpreter's pip, by option."""
    command = (python, "-m", "pip", "config", "list")
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    found = {"cert": bundle} if bundle else {}
    for section in ("global", "install", ":env:"):
        options = re.findall(rf"^{section}\.([\w-]+)=(.*)$", listed, re.MULTILINE)
        read = {name: ast.literal_eval(text) for name, text in options if name in _UV}
        found |= {name: text for name, text in read.items() if text}
    return found


def pip_environment(python: str) -> dict[str, str]:
    """Return this process's variables, with pip's network settings as its only settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    own = {f"PIP_{name.upper().replace('-', '_')}": text for name, text in settings(python).items()}
    fixed = {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return {**kept, "PIP_RETRIES": "2", **own, **fixed}


def _for_uv(name: str, text: str) -> str:
    """Return the value of pip's option as uv reads it; "" for the default."""
    words = text.split()
    value = " ".join(words)
    if name == "find-links":
        value = ",".join(word for word in words if "://" in word or os.path.exists(word))
    elif name == "no-index":
        # uv has a flag only; an absent folder as the index has the same effect.
        value = "file:///no-index" if text.lower() in {"1", "on", "t", "true", "y", "yes"} else ""
    elif name == "use-feature":
        value = "1" if "truststore" in words else ""
    elif name == "keyring-provider":
        value = text if text in {"disabled", "subprocess"} else ""
    elif name == "proxy":
        value = text if "://" in text else f"http://{text}"
    elif name.endswith("timeout"):
        value = text.partition(".")[0]
    return value


def uv_environment(python: str = sys.executable) -> dict[str, str]:
    """Return this process's variables with pip's network settings as uv's.

    A variable UV_* that is set already wins.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _UV_DROPPED}
    found = {name: _for_uv(name, text) for name, text in settings(python).items()}
    if found.get("no-index"):
        found = {name: value for name, value in found.items() if not name.endswith("index-url")}
    if "extra-index-url" in found:  # pip takes the best version of all indexes
        environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    for name, value in found.items():
        for variable in _UV[name] if value else ():
            if not (variable.startswith("UV_") and variable in os.environ):
                environment[variable] = value
    return environment


if __name__ == "__main__":
    os.execve(sys.argv[1], sys.argv[1:], uv_environment())
