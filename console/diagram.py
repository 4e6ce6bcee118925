"""The diagram of a stack, drawn from its declared resources.

Each component is a card with a row for each resource type. The cards of a request's path stand in
columns from left to right; the others stand below and name the components that they serve.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from console import svg
from function.declare.endpoint import METHODS
from local.pulumi_program import Properties, Resource

# Name and colour of a service, by its part of the type token.
SERVICES: Mapping[str, tuple[str, str]] = {
    "apigateway": ("API Gateway", "#8c4fff"),
    "lambda": ("Lambda", "#ed7100"),
    "dynamodb": ("DynamoDB", "#3f6bfd"),
    "s3": ("S3", "#6c9a1f"),
    "cloudwatch": ("CloudWatch", "#e7157b"),
    "xray": ("X-Ray", "#0fa3a3"),
    "sns": ("SNS", "#c9952b"),
    "iam": ("IAM", "#dd344c"),
    "kms": ("KMS", "#7aa116"),
    "wafv2": ("WAF", "#a83fd1"),
    "route53": ("Route 53", "#1b8a5a"),
}
_OTHER = "#8a97a6"


@dataclass(frozen=True)
class Shown:
    """The label of a resource type, and a detail of a resource."""

    label: str
    detail: Callable[[Properties], str] = lambda inputs: ""


_LONGEST_STAGE = 10  # characters that fit into a row


def _stage(inputs: Properties) -> str:
    notes = {"xrayTracingEnabled": "traced", "accessLogSettings": "logged"}
    name = inputs["stageName"]
    shown = name if len(name) <= _LONGEST_STAGE else f"{name[: _LONGEST_STAGE - 1]}…"
    return " · ".join([shown, *(v for k, v in notes.items() if inputs.get(k))])


def _function(inputs: Properties) -> str:
    return f"{inputs['runtime']} · {inputs['memorySize']:,} MB"


def _table(inputs: Properties) -> str:
    billing = "on demand" if inputs["billingMode"] == "PAY_PER_REQUEST" else "provisioned"
    return billing + (" · backed up" if inputs["pointInTimeRecovery"]["enabled"] else "")


def _plan(inputs: Properties) -> str:
    limits = inputs["throttleSettings"]
    return f"{limits['rateLimit']:,}/s · burst {limits['burstLimit']:,}"


# The order of the rows in a card; a type outside this table gets its name from the token.
SHOWN: Mapping[str, Shown] = {
    "RestApi": Shown("REST API by OpenAPI", lambda i: i["endpointConfiguration"]["types"].lower()),
    "Stage": Shown("Stage", _stage),
    "Permission": Shown("Permission to invoke"),
    "Function": Shown("Function", _function),
    "Alias": Shown("Alias", lambda inputs: inputs["name"]),
    "Role": Shown("Role"),
    "RolePolicy": Shown("Role policy", lambda inputs: "least privilege"),
    "Table": Shown("Table", _table),
    "ApiKey": Shown("API key"),
    "WebAcl": Shown("Web ACL"),
    "WebAclAssociation": Shown("Web ACL association"),
    "UsagePlan": Shown("Usage plan", _plan),
    "Dashboard": Shown("Dashboard"),
    "MetricAlarm": Shown("Alarm"),
    "CompositeAlarm": Shown("Burn-rate alarm"),
    "Topic": Shown("Topic"),
    "Key": Shown("KMS key"),
    "SamplingRule": Shown("Sampling of traces", lambda inputs: f"{inputs['fixedRate']:.0%}"),
    "LogGroup": Shown("Log group", lambda inputs: f"{inputs['retentionInDays']} days"),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """The resources of one type in a component."""

    service: str
    label: str
    count: int
    detail: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """A component with its resources; `needs` are the URNs of its dependencies."""

    component: Resource
    resources: tuple[Resource, ...]
    needs: frozenset[str]

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """One row for each type, in the order of SHOWN."""
        by_type: dict[str, list[Resource]] = {}
        for resource in self.resources:
            by_type.setdefault(resource.kind.rpartition(":")[2], []).append(resource)
        known = [type_ for type_ in SHOWN if type_ in by_type]
        return tuple(_row(t, by_type[t]) for t in (*known, *sorted(by_type.keys() - SHOWN.keys())))

    @property
    def name(self) -> str:
        """The component's name without the project's name."""
        return self.component.name.partition("-")[2]

    @property
    def title(self) -> str:
        """The component's type."""
        return self.component.kind.rpartition(":")[2]

    def of_type(self, type_: str) -> list[Properties]:
        """Return the inputs of all resources of a type."""
        return [r.inputs for r in self.resources if r.kind.endswith(f":{type_}")]


def _row(type_: str, resources: Sequence[Resource]) -> Row:
    named = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type_).capitalize()
    shown = SHOWN.get(type_, Shown(named))
    details = {shown.detail(resource.inputs) for resource in resources}
    return Row(
        service=resources[0].kind.removeprefix("aws:").partition("/")[0],
        label=shown.label,
        count=len(resources),
        detail=details.pop() if len(details) == 1 else "",
    )


def cards(resources: Sequence[Resource]) -> list[Card]:
    """Return a card for each component that has resources."""
    home = {resource.urn: resource.parent for resource in resources}
    components = [resource for resource in resources if resource.component]
    # Resources of infrastructure.py without a component stand in a card of their own.
    roots = sorted({*home.values()} - {component.urn for component in components} - {""})
    components += [
        Resource(kind=":infrastructure.py", name="-infrastructure", urn=root, parent="", inputs={})
        for root in roots
    ]
    found = []
    for component in components:
        own = tuple(r for r in resources if r.parent == component.urn and not r.component)
        needed = {home[urn] for resource in own for urn in resource.depends_on if urn in home}
        if own:
            found.append(
                Card(component=component, resources=own, needs=frozenset(needed - {component.urn}))
            )
    return found


def _verb(source: Card, target: Card) -> str:
    """Return the action of one component on another on a request's path."""
    if aliases := target.of_type("Alias"):
        return f"invokes {aliases[0]['name']}"
    tables = tuple(r.name for r in target.resources if r.kind.endswith(":Table"))
    policies = [json.loads(policy["policy"]) for policy in source.of_type("RolePolicy")]
    actions = {
        action.partition(":")[2]
        for statement in (one for policy in policies for one in policy["Statement"])
        if str(statement["Resource"]).endswith(tables)
        for action in statement["Action"]
    }
    return ", ".join(sorted(actions))


WIDTH, GAP, MARGIN, TOP = 280, 88, 32, 188
ROW, HEAD, BELOW, COLUMNS = 26, 58, 32, 3
# A component with one of these types is on a request's path if its predecessor needs it.
_ON_PATH = ("Alias", "Bucket", "Table", "Queue", "Secret", "Topic")


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A card at its place, with a caption and the cards on the path that it calls."""

    card: Card
    x: float
    y: float
    caption: str
    calls: tuple[Card, ...] = ()

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + HEAD + len(self.card.rows) * ROW + 10


def _path(found: Sequence[Card]) -> list[list[Card]]:
    """Return the cards of a request's path by distance from the API."""
    columns = [[card for card in found if card.of_type("RestApi")]]
    while columns[-1]:
        known = [card for column in columns for card in column]
        needs = frozenset().union(*(card.needs for card in columns[-1]))
        near = [card for card in found if card.component.urn in needs and card not in known]
        columns.append([card for card in near if any(map(card.of_type, _ON_PATH))])
    return columns[:-1]


def place(found: Sequence[Card]) -> list[Placed]:
    """Return the cards at their places: the request's path first, then the others below."""
    columns = _path(found)
    on_path = [card for column in columns for card in column]
    bottoms: list[float] = [TOP - BELOW] * max(COLUMNS, len(columns))
    placed = []

    def put(card: Card, column: int, caption: str, calls: tuple[Card, ...] = ()) -> None:
        x, y = MARGIN + column * (WIDTH + GAP), bottoms[column] + BELOW
        placed.append(Placed(card=card, x=x, y=y, caption=caption, calls=calls))
        bottoms[column] = placed[-1].bottom

    for index, column in enumerate(columns):
        following = columns[index + 1] if index + 1 < len(columns) else []
        for card in column:
            calls = tuple(each for each in following if each.component.urn in card.needs)
            put(card, index, card.name, calls)
    for card in (card for card in found if card not in on_path):
        linked = [c.title for c in found if _linked(c, card)]
        put(card, bottoms.index(min(bottoms)), f"for {', '.join(linked)}" if linked else card.name)
    return placed


def _linked(one: Card, other: Card) -> bool:
    return one.component.urn in other.needs or other.component.urn in one.needs


def _card(placed: Placed) -> Iterable[str]:
    card, x, y = placed.card, placed.x, placed.y
    yield svg.box((x, y), (WIDTH, placed.bottom - y), "card", 10)
    yield svg.text((x + 16, y + 25), card.title, "strong", 16)
    yield svg.text((x + 16, y + 43), placed.caption, "quiet", 12)
    for index, row in enumerate(card.rows):
        left, base = x + 16, y + HEAD + index * ROW + 18
        _, colour = SERVICES.get(row.service, ("", _OTHER))
        yield svg.dot((left + 4, base - 5), colour)
        yield svg.text((left + 18, base), row.label, "plain", 14)
        if row.count > 1:
            after = left + 26 + svg.width(row.label, 14)
            chip = svg.width(f"×{row.count}", 12) + 8
            yield svg.box((after, base - 13), (chip, 17), "chip", 8.5)
            yield svg.text((after + chip / 2, base), f"×{row.count}", "quiet", 12, "middle")
        yield svg.text((left + WIDTH - 32, base), row.detail, "quiet", 12, "end")


def _calls(source: Placed, placed: Sequence[Placed]) -> Iterable[str]:
    for target in (each for each in placed if each.card in source.calls):
        level, start = target.y + 27, source.x + WIDTH
        yield svg.arrow((start, source.y + 27), (target.x, level))
        verb = _verb(source.card, target.card)
        yield svg.text(((start + target.x) / 2 - 3, level - 9), verb, "plain", 12, "middle")


def _routes(card: Card) -> str:
    """Return the routes of the API: methods and paths of its document."""
    (api,) = card.of_type("RestApi")
    paths = json.loads(api["body"])["paths"]
    return ", ".join(
        f"{method.upper()} {path}"
        for path in sorted(paths)
        for method in sorted(METHODS & {name.upper() for name in paths[path]})
    )


def _credentials(card: Card) -> str:
    """Return the protocol, and the headers with credentials."""
    schemes = [
        scheme
        for api in card.of_type("RestApi")
        for scheme in json.loads(api["body"])["components"]["securitySchemes"].values()
    ]
    return ", ".join(["HTTPS", *sorted({scheme["name"] for scheme in schemes})])


def _legend(found: Sequence[Card], at: svg.Point) -> Iterable[str]:
    present = {row.service for card in found for row in card.rows}
    x, y = at
    for service, (label, colour) in SERVICES.items():
        if service in present:
            yield svg.dot((x + 4, y - 4), colour)
            yield svg.text((x + 14, y), label, "quiet", 12)
            x += svg.width(label, 12) + 34


def draw(resources: Sequence[Resource], stack: str) -> str:
    """Return the diagram of a stack as SVG."""
    found = cards(resources)
    placed = place(found)
    middle = MARGIN + WIDTH / 2
    count = sum(len(card.resources) for card in found)
    title, subtitle = f"Stack {stack} on AWS", f"{count} resources, as the program declares them"
    bottom = max(each.bottom for each in placed)
    right = max(each.x for each in placed) + WIDTH
    path = " to ".join(each.card.name for each in placed if each.calls or each.y == TOP)
    shapes = [
        svg.text((MARGIN, 44), title, "strong", 22),
        svg.text((MARGIN, 66), subtitle, "quiet", 13),
        svg.box((middle - 40, 96), (80, 36), "pill", 18),
        svg.text((middle, 119), "Client", "on-pill", 14, "middle"),
        svg.arrow((middle, 132), (middle, TOP)),
        svg.text((middle + 12, 156), _routes(placed[0].card), "plain", 13),
        svg.text((middle + 12, 173), _credentials(placed[0].card), "quiet", 12),
        *(shape for each in placed for shape in (*_card(each), *_calls(each, placed))),
        *_legend(found, (MARGIN, bottom + 40)),
    ]
    description = f"A request goes from a client to {path}."
    return svg.document((right + MARGIN, bottom + 64), title, description, shapes)
