"""The program of `bootstrap`, under mocks."""

from local import pulumi_program, stack_files


def test_the_keys_that_encrypt_data_are_protected() -> None:
    folder = stack_files.ROOT / "bootstrap"
    config = stack_files.stack_config("example", folder)
    engine = pulumi_program.MockEngine()
    pulumi_program.run(engine, stack="example", config=config, folder=folder)
    keys = [resource for resource in engine.resources if resource.kind == "aws:kms/key:Key"]
    assert keys and all(key.protect for key in keys)
