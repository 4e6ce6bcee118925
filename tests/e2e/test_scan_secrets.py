"""The scan for secrets: a declared secret is no finding, and a real one in the same files is."""

import base64
import hashlib
from pathlib import Path

import pytest

import function.settings
from function.declare.setting import Setting
from local import pulumi_program, stack_files
from tests.conftest import PROJECT, output, plain
from tools.checks import scan, snapshot

TOKEN = Setting("partner_token", str, description="The partner's token.", secret=True)
REAL = base64.b64encode(hashlib.sha256(b"real").digest()).decode()
# As Pulumi encrypts with a passphrase, and with a key of its service.
ENCRYPTED = (f"v1:{REAL[:16]}:{REAL}", f"AAAB{REAL}")


def _scanned(folder: Path, snapshot_text: str, config: str) -> set[str]:
    (folder / "resources.yaml").write_text(snapshot_text)
    (folder / "Pulumi.trial.yaml").write_text(config)
    output(folder, "git", "init")
    return {line.partition(": ")[0].rpartition(":")[0] for line in scan.secrets(folder)}


@pytest.mark.parametrize("encrypted", ENCRYPTED)
def test_a_declared_secret_is_no_finding_and_a_real_one_beside_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encrypted: str
) -> None:
    monkeypatch.setattr(function.settings, "PARTNER_TOKEN", TOKEN, raising=False)
    config = {**plain(), f"{PROJECT}:{TOKEN.name}": stack_files.Secret(REAL)}
    declared = pulumi_program.declared_resources("trial", config=config)
    text = snapshot.text({"trial": declared})
    file = f"config:\n  {TOKEN.name}:\n    secure: {encrypted}\n"
    assert "secretString: (secret)" in text
    assert not _scanned(tmp_path, text, file)
    for leak in (
        text.replace("secretString: (secret)", f"secretString: {REAL}"),
        text + f"other: {{token: '{REAL}'}}\n",
    ):
        assert _scanned(tmp_path, leak, file) == {"resources.yaml"}
    plain_text = file + f"  password: {REAL}\n"
    assert _scanned(tmp_path, text, plain_text) == {"Pulumi.trial.yaml"}
