"""A stand-in for pulumi-aws's plugin: it speaks the protocol and stores resources as files.

Its outputs are those of `pulumi_program.MockEngine`. It replaces and refuses resources as AWS does.
It serves from the process of the caller, which a process for each run of the CLI would delay.
"""

import json
from collections.abc import Iterator, Mapping, Set
from concurrent import futures
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from local import pulumi_program

_UNKNOWN = (
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # Pulumi's placeholder for a value unknown in a preview
)
_SIGNATURE = "4dabf18193072939515e22adb298388d"  # pragma: allowlist secret

# A change of these properties, or of the name, replaces a resource.
_REPLACES: Mapping[str, Set[str]] = {
    "aws:apigateway/apiKey:ApiKey": {"value"},
    "aws:apigateway/basePathMapping:BasePathMapping": {"domainName"},
    "aws:apigateway/deployment:Deployment": {"restApi", "triggers"},
    "aws:apigateway/documentationVersion:DocumentationVersion": {"restApiId", "version"},
    "aws:apigateway/domainName:DomainName": {"domainName"},
    "aws:apigateway/methodSettings:MethodSettings": {"restApi", "stageName", "methodPath"},
    "aws:apigateway/stage:Stage": {"restApi", "stageName"},
    "aws:apigateway/usagePlanKey:UsagePlanKey": {"keyId", "keyType", "usagePlanId"},
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": {"alarmName"},
    "aws:cloudwatch/dashboard:Dashboard": {"dashboardName"},
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": {"logGroupName"},
    "aws:dynamodb/table:Table": {"hashKey", "rangeKey"},
    "aws:dynamodb/tableReplica:TableReplica": {"globalTableArn", "region"},
    "aws:iam/role:Role": {"path"},
    "aws:iam/rolePolicy:RolePolicy": {"role"},
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {"role", "policyArn"},
    "aws:lambda/alias:Alias": {"functionName"},
    "aws:lambda/eventSourceMapping:EventSourceMapping": {"eventSourceArn"},
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": {"functionName", "qualifier"},
    "aws:lambda/permission:Permission": {
        "action",
        "function",
        "principal",
        "qualifier",
        "sourceArn",
    },
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": {
        "functionName",
        "qualifier",
    },
    "aws:route53/record:Record": {"zoneId"},
    "aws:sns/topicPolicy:TopicPolicy": {"arn"},
    "aws:sns/topicSubscription:TopicSubscription": {"endpoint", "protocol", "topic"},
    "aws:sqs/redrivePolicy:RedrivePolicy": {"queueUrl"},
    "aws:wafv2/webAcl:WebAcl": {"scope"},
    "aws:wafv2/webAclAssociation:WebAclAssociation": {"resourceArn", "webAclArn"},
    "aws:xray/samplingRule:SamplingRule": {"ruleName"},
}
# AWS has one resource for each combination of these properties.
_ONCE: Mapping[str, tuple[str, ...]] = {
    "aws:apigateway/documentationVersion:DocumentationVersion": ("restApiId", "version"),
    "aws:apigateway/domainName:DomainName": ("domainName",),
    "aws:apigateway/stage:Stage": ("restApi", "stageName"),
    "aws:apigateway/usagePlanKey:UsagePlanKey": ("keyId",),
    "aws:iam/policy:Policy": ("name",),
    "aws:iam/role:Role": ("name",),
    "aws:lambda/alias:Alias": ("functionName", "name"),
}
# AWS does not delete a resource while this type refers to it by this property.
_HELD: Mapping[str, tuple[str, str]] = {
    "aws:apigateway/deployment:Deployment": ("aws:apigateway/stage:Stage", "deployment"),
}


def _plain(message: struct_pb2.Struct) -> dict[str, Any]:
    """Return a message's values, with whole numbers as integers: protobuf has only doubles."""
    return json.loads(json.dumps(json_format.MessageToDict(message)), parse_float=_number)


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(dict(values), struct_pb2.Struct())


def _same(old: Any, new: Any) -> bool:
    """Return True if two inputs are equal; assets and archives compare by hash."""
    if isinstance(old, dict) and isinstance(new, dict) and _SIGNATURE in old:
        return bool(old.get("hash") == new.get("hash"))
    return bool(old == new)


def _changed(request: Any) -> list[str]:
    old, new = _plain(request.old_inputs), _plain(request.news)
    return sorted(name for name in old.keys() | new if not _same(old.get(name), new.get(name)))


class _Account:
    """The existing resources, one file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, kind: str, identity: str) -> Path:
        return self._folder / quote(f"{kind} {identity}", safe="")

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return all resources of a type."""
        found = self._folder.glob(quote(f"{kind} ", safe="") + "*")
        return [json.loads(path.read_text()) for path in found]

    def read(self, kind: str, identity: str) -> dict[str, Any] | None:
        """Return a resource, or None."""
        path = self._path(kind, identity)
        return json.loads(path.read_text()) if path.exists() else None

    def write(self, kind: str, identity: str, inputs: Any, outputs: Any) -> None:
        """Store a resource."""
        path = self._path(kind, identity)
        written = path.with_name(f".{path.name}")  # others read all files meanwhile
        written.write_text(json.dumps({"inputs": inputs, "outputs": outputs}))
        written.replace(path)

    def new_id(self, kind: str, wanted: str) -> str:
        """Return an unused id like `wanted`."""
        identity, number = wanted, 1
        while self._path(kind, identity).exists():
            number += 1
            identity = f"{wanted}-{number}"
        return identity

    def delete(self, kind: str, identity: str) -> None:
        """Delete a resource."""
        self._path(kind, identity).unlink()


class _Refused(Exception):
    """An error that AWS would return."""


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The methods of the protocol that the engine calls.

    `account` is the folder of the resources. `environment` makes the CLI use this provider.
    `failing` is the type whose creation and update fail.
    """

    def __init__(self, folder: Path) -> None:
        self.account = folder / "account"
        self.account.mkdir()
        self.environment: dict[str, str] = {}
        self.failing = ""
        self._account = _Account(self.account)

    def Handshake(self, request, context):
        return provider_pb2.ProviderHandshakeResponse()

    def Attach(self, request, context):
        return empty_pb2.Empty()

    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi-aws"))

    def CheckConfig(self, request, context):
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request, context):
        return provider_pb2.DiffResponse()

    def Configure(self, request, context):
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Cancel(self, request, context):
        return empty_pb2.Empty()

    def Invoke(self, request, context):
        answer = pulumi_program.invoke(
            pulumi_program.MockEngine(), request.tok, _plain(request.args)
        )
        return provider_pb2.InvokeResponse(**{"return": _struct(answer)})

    def Check(self, request, context):
        # A name that the program does not set stays the same.
        named = {name: value for name, value in _plain(request.olds).items() if name == "name"}
        return provider_pb2.CheckResponse(inputs=_struct(named | _plain(request.news)))

    def Diff(self, request, context):
        changed = _changed(request)
        if not changed:
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
        replacing = {"name"} | _REPLACES.get(request.type, set())
        replaces = [name for name in changed if name in replacing]
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME,
            diffs=changed,
            replaces=replaces,
            # Two resources cannot share a name that the program sets.
            deleteBeforeReplace=bool(replaces) and "name" in request.news and "name" not in changed,
        )

    def Create(self, request, context):
        inputs, kind = _plain(request.properties), request.type
        wanted, outputs = self._made(request, inputs)
        if request.preview:
            unknown = {name: _UNKNOWN for name in outputs.keys() - inputs.keys()}
            return provider_pb2.CreateResponse(properties=_struct(inputs | unknown))
        try:
            self._refuse_second(kind, inputs)
            if kind == self.failing:
                raise _Refused(f"{kind}: told to fail")
        except _Refused as refused:
            context.abort(grpc.StatusCode.UNKNOWN, str(refused))
        identity = self._account.new_id(kind, wanted)
        self._account.write(kind, identity, inputs, outputs)
        return provider_pb2.CreateResponse(id=identity, properties=_struct(outputs))

    def _made(self, request: Any, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        resource = pulumi_program.Resource(
            kind=request.type,
            name=request.name,
            urn=request.urn,
            parent="",
            inputs=inputs,
        )
        return pulumi_program.MockEngine().create(resource)

    def _refuse_second(self, kind: str, inputs: dict[str, Any]) -> None:
        names = [inputs.get(name) for name in _ONCE.get(kind, ())]
        if not names or None in names:  # a name that AWS would make up
            return
        for other in self._account.of(kind):
            if [other["inputs"].get(name) for name in _ONCE[kind]] == names:
                raise _Refused(f"{kind}: {', '.join(map(str, names))} is taken")

    def Update(self, request, context):
        if request.type == self.failing and not request.preview:
            context.abort(grpc.StatusCode.UNKNOWN, f"{request.type}: told to fail")
        outputs = _plain(request.olds) | _plain(request.news)
        for removed in _plain(request.old_inputs).keys() - _plain(request.news).keys():
            outputs.pop(removed, None)
        if "code" in _changed(request):
            published = str(int(outputs["version"]) + 1)
            outputs["version"] = _UNKNOWN if request.preview else published
        if not request.preview:
            self._account.write(request.type, request.id, _plain(request.news), outputs)
        return provider_pb2.UpdateResponse(properties=_struct(outputs))

    def Read(self, request, context):
        found = self._account.read(request.type, request.id)
        if not found:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id,
            inputs=_struct(found["inputs"]),
            properties=_struct(found["outputs"]),
        )

    def Delete(self, request, context):
        outputs = _plain(request.properties)
        try:
            if outputs.get("deletionProtectionEnabled"):
                raise _Refused(f"{request.id}: deletion protection is on")
            holder, name = _HELD.get(request.type, ("", ""))
            for other in self._account.of(holder) if holder else []:
                if other["inputs"].get(name) == request.id:
                    raise _Refused(f"{request.id}: a {holder} still points at it")
        except _Refused as refused:
            context.abort(grpc.StatusCode.UNKNOWN, str(refused))
        self._account.delete(request.type, request.id)
        return empty_pb2.Empty()


@contextmanager
def running(folder: Path) -> Iterator[Provider]:
    """Serve the provider within the block; a file in `folder/account` holds each resource."""
    provider = Provider(folder)
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=16),
        options=[("grpc.max_receive_message_length", 400 * 2**20)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    # The engine attaches to this port, and starts no plugin.
    provider.environment = {"PULUMI_HOME": str(folder), "PULUMI_DEBUG_PROVIDERS": f"aws:{port}"}
    server.start()
    try:
        yield provider
    finally:
        server.stop(None)
