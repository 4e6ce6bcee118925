"""The part of POST /epoch in the API document."""

import json

from local.stack_files import ROOT


def test_it_describes_the_contract() -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    assert "problem document" in document["info"]["description"]
    operation = document["paths"]["/epoch"]["post"]
    assert operation["summary"] and operation["operationId"] == "PostEpoch"
    (scheme,) = operation["security"][0]
    assert document["components"]["securitySchemes"][scheme] == {
        "type": "apiKey",
        "name": "x-api-key",
        "in": "header",
    }
    (header,) = operation["parameters"]
    assert (header["name"], header["in"], header["required"]) == (
        "Idempotency-Key",
        "header",
        False,
    )
    assert "255" in header["description"]
    answers = operation["responses"]
    assert set(answers) == {"201", "400", "403", "404", "405", "413", "429", "500", "503", "504"}
    assert all(not text["description"].endswith("response") for text in answers.values())
    assert answers["201"]["headers"]["Idempotency-Replayed"]["description"]
    schemas = document["components"]["schemas"]
    assert "content" not in answers.pop("413")
    for status, answer in answers.items():
        ((kind, content),) = answer["content"].items()
        assert kind == ("application/json" if status == "201" else "application/problem+json")
        schema = schemas[content["schema"]["$ref"].rsplit("/", 1)[1]]
        assert sorted(schema["required"]) == sorted(schema["properties"])
        assert ("Retry-After" in answer.get("headers", {})) == (status in {"429", "503"})
