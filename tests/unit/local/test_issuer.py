"""`make token`: a token with the chosen claims, for the running stack alone."""

import json
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from local import issuer

KEY = rsa.generate_private_key(65_537, 2_048)


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the file of a running stack with two authentications."""
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    claims = {"jwt": {"iss": "http://a", "aud": "shop"}, "cognito": {"iss": "https://pool"}}
    file = tmp_path / "issuer.json"
    file.write_text(json.dumps({"key": pem, "claims": claims}), "utf-8")
    monkeypatch.setattr(issuer, "FILE", file)


@pytest.mark.usefixtures("running")
def test_the_options_choose_authentication_and_claims(capsys: pytest.CaptureFixture[str]) -> None:
    issuer.main(["sub=alice", "scope=a b", "tenant=7", "plan=gold", "exp=4102444800"])
    found = jwt.decode(
        capsys.readouterr().out.strip(), KEY.public_key(), ["RS256"], audience="shop"
    )
    assert found.pop("exp") == 4_102_444_800
    del found["iat"]
    fixed = {"iss": "http://a", "aud": "shop", "sub": "alice", "scope": "a b"}
    assert found == {**fixed, "tenant": 7, "plan": "gold"}
    issuer.main(["--auth", "cognito"])
    found = jwt.decode(capsys.readouterr().out.strip(), KEY.public_key(), ["RS256"])
    assert (found["iss"], found["sub"]) == ("https://pool", "tester")
    assert found["exp"] - found["iat"] == 86_400


def test_without_a_running_stack_the_way_out_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer, "FILE", tmp_path / "issuer.json")
    with pytest.raises(SystemExit, match="start it by: make local"):
        issuer.main([])


def test_an_unknown_authentication_is_refused_with_the_known_ones() -> None:
    with pytest.raises(LookupError, match="no endpoint takes tokens of 'jtw'; known: jwt"):
        issuer.token({"key": KEY, "claims": {"jwt": {}}}, "jtw")
