"""The picture of a stack, drawn from what it declares.

Each component is a card that lists its resources, one row for each type. Where a component's
resources need those of another, the cards are linked: the way of a request is a solid line, what
is watched a broken one. A new component, type or link finds its place by these rules.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from console import svg
from function.contract import METHODS
from local.pulumi_program import Properties, Resource

# Service in a type token: its name, and the colour of its dots.
SERVICES: Mapping[str, tuple[str, str]] = {
    "apigateway": ("API Gateway", "#8c4fff"),
    "lambda": ("Lambda", "#ed7100"),
    "dynamodb": ("DynamoDB", "#3f6bfd"),
    "cloudwatch": ("CloudWatch", "#e7157b"),
    "xray": ("X-Ray", "#0fa3a3"),
    "sns": ("SNS", "#c9952b"),
    "iam": ("IAM", "#dd344c"),
    "kms": ("KMS", "#7aa116"),
    "wafv2": ("WAF", "#a83fd1"),
    "route53": ("Route 53", "#1b8a5a"),
}
_OTHER = "#8a97a6"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How the resources of a type are called, and what is worth telling of one."""

    label: str
    detail: Callable[[Properties], str] = lambda inputs: ""


_LONGEST_STAGE = 10  # characters, for which a row has room


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


# What comes first here comes first in a card; a type that is not here is named by its token.
SHOWN: Mapping[str, Shown] = {
    "RestApi": Shown(
        label="REST API by OpenAPI",
        detail=lambda inputs: inputs["endpointConfiguration"]["types"].lower(),
    ),
    "Stage": Shown(label="Stage", detail=_stage),
    "Permission": Shown(label="Permission to invoke"),
    "Function": Shown(label="Function", detail=_function),
    "Alias": Shown(label="Alias", detail=lambda inputs: inputs["name"]),
    "Role": Shown(label="Role"),
    "RolePolicy": Shown(label="Role policy", detail=lambda inputs: "least privilege"),
    "Table": Shown(label="Table", detail=_table),
    "ApiKey": Shown(label="API key"),
    "WebAcl": Shown(label="Web ACL"),
    "WebAclAssociation": Shown(label="Web ACL association"),
    "UsagePlan": Shown(label="Usage plan", detail=_plan),
    "Dashboard": Shown(label="Dashboard"),
    "MetricAlarm": Shown(label="Alarm"),
    "CompositeAlarm": Shown(label="Burn-rate alarm"),
    "Topic": Shown(label="Topic of the alarms"),
    "Key": Shown(label="KMS key"),
    "SamplingRule": Shown(
        label="Sampling of traces", detail=lambda inputs: f"{inputs['fixedRate']:.0%}"
    ),
    "LogGroup": Shown(label="Log group", detail=lambda inputs: f"{inputs['retentionInDays']} days"),
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
    """A component with its resources; `needs` are the URNs of components it depends on."""

    component: Resource
    resources: tuple[Resource, ...]
    needs: frozenset[str]

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """One row for each type, the telling ones first."""
        by_type: dict[str, list[Resource]] = {}
        for resource in self.resources:
            by_type.setdefault(resource.kind.rpartition(":")[2], []).append(resource)
        order = list(SHOWN)
        known = sorted(by_type, key=lambda t: (order.index(t) if t in SHOWN else len(order), t))
        return tuple(_row(type_, by_type[type_]) for type_ in known)

    @property
    def name(self) -> str:
        """The component's name without the project's, which a rename changes."""
        return self.component.name.partition("-")[2]

    def of_type(self, type_: str) -> list[Properties]:
        """Return the inputs of all resources of a type."""
        return [r.inputs for r in self.resources if r.kind.endswith(f":{type_}")]


def _row(type_: str, resources: Sequence[Resource]) -> Row:
    named = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type_).capitalize()
    shown = SHOWN.get(type_, Shown(label=named))
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
    found = []
    for component in filter(lambda resource: resource.component, resources):
        own = tuple(r for r in resources if r.parent == component.urn and not r.component)
        needed = {home[urn] for resource in own for urn in resource.depends_on if urn in home}
        if own:
            found.append(
                Card(component=component, resources=own, needs=frozenset(needed - {component.urn}))
            )
    return found


def _signals(card: Card) -> list[str]:
    """Return what CloudWatch and X-Ray get of a component."""
    traced = [
        *(stage.get("xrayTracingEnabled") for stage in card.of_type("Stage")),
        *(function.get("tracingConfig") for function in card.of_type("Function")),
    ]
    return [
        "metrics",
        *(["logs"] if card.of_type("LogGroup") else []),
        *(["traces"] if any(traced) else []),
    ]


def _verb(source: Card, target: Card) -> str:
    """Return what one component does with another on a request's way."""
    if aliases := target.of_type("Alias"):
        return f"invokes {aliases[0]['name']}"
    tables = tuple(r.name for r in target.resources if r.kind.endswith(":Table"))
    statements = [
        statement
        for policy in source.of_type("RolePolicy")
        for statement in json.loads(policy["policy"])["Statement"]
    ]
    actions = {
        action.partition(":")[2]
        for statement in statements
        if str(statement["Resource"]).endswith(tables)
        for action in statement["Action"]
    }
    return ", ".join(sorted(actions))


WIDTH, GAP, MARGIN, TOP = 280, 88, 32, 188
ROW, HEAD, BELOW, HUNG = 26, 58, 68, 32


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A card on the picture; `columns` is how many of the picture's columns it spans."""

    card: Card
    x: float
    y: float
    columns: int = 1

    @property
    def width(self) -> float:
        """The width over all its columns."""
        return self.columns * WIDTH + (self.columns - 1) * GAP

    @property
    def height(self) -> float:
        """The height; the rows stand in as many columns as the card spans."""
        return HEAD + -(-len(self.card.rows) // self.columns) * ROW + 10

    @property
    def bottom(self) -> float:
        """Where it ends."""
        return self.y + self.height


def place(found: Sequence[Card]) -> tuple[list[Placed], list[Placed], list[Placed]]:
    """Return the cards on a request's way, those that hang on one of them, and the watchers.

    A watcher needs several others and nothing needs it; a card that is linked to a single other
    hangs below that; all others stand from left to right, in the order in which they need each
    other.
    """
    by_urn = {card.component.urn: card for card in found}
    needed = {urn for card in found for urn in card.needs}
    watchers = [c for c in found if len(c.needs) > 1 and c.component.urn not in needed]
    linked = {
        urn: card.needs | {c.component.urn for c in found if urn in c.needs}
        for urn, card in by_urn.items()
    }
    hanging = [c for c in found if c not in watchers and len(linked[c.component.urn]) == 1]
    way = [card for card in found if card not in watchers and card not in hanging]

    def level(card: Card) -> int:
        callers = [c for c in way if card.component.urn in c.needs]
        return 1 + max(map(level, callers)) if callers else 0

    bottoms: dict[int, float] = {}

    def put(card: Card, column: int, columns: int = 1, gap: float = BELOW) -> Placed:
        spanned = range(column, column + columns)
        y = max(bottoms[each] + gap if each in bottoms else TOP for each in spanned)
        x = MARGIN + column * (WIDTH + GAP)
        placed = Placed(card=card, x=x, y=y, columns=columns)
        bottoms.update(dict.fromkeys(spanned, placed.bottom))
        return placed

    on_way = [put(card, level(card)) for card in sorted(way, key=level)]
    column = {card.component.urn: level(card) for card in way}
    last = max(column.values())
    watching = [put(card, min(1, last), max(last, 1)) for card in watchers]
    hung = [put(c, column[min(linked[c.component.urn])], gap=HUNG) for c in hanging]
    return on_way, hung, watching


def _card(placed: Placed) -> Iterable[str]:
    card, x, y = placed.card, placed.x, placed.y
    yield svg.box((x, y), (placed.width, placed.height), "card", 10)
    title = card.component.kind.rpartition(":")[2]
    yield svg.text((x + 16, y + 25), title, "strong", 16)
    yield svg.text((x + 16, y + 43), card.name, "quiet", 12)
    yield svg.path([(x, y + 53.5), (x + placed.width, y + 53.5)], "line")
    for index, row in enumerate(card.rows):
        column, line = index % placed.columns, index // placed.columns
        left, base = x + column * (WIDTH + GAP) + 16, y + HEAD + line * ROW + 18
        _, colour = SERVICES.get(row.service, ("", _OTHER))
        yield svg.dot((left + 4, base - 5), colour)
        yield svg.text((left + 18, base), row.label, "plain", 14)
        if row.count > 1:
            after = left + 26 + svg.width(row.label, 14)
            chip = svg.width(f"×{row.count}", 12) + 8
            yield svg.box((after, base - 13), (chip, 17), "chip", 8.5)
            yield svg.text((after + chip / 2, base), f"×{row.count}", "quiet", 12, "middle")
        yield svg.text((left + WIDTH - 32, base), row.detail, "quiet", 12, "end")


def _pill(middle: svg.Point, label: str) -> Iterable[str]:
    wide = svg.width(label, 14) + 40
    yield svg.box((middle[0] - wide / 2, middle[1] - 18), (wide, 36), "pill", 18)
    yield svg.text((middle[0], middle[1] + 5), label, "on-pill", 14, "middle")


def _ways(on_way: Sequence[Placed], hung: Sequence[Placed]) -> Iterable[str]:
    for source in on_way:
        for target in on_way:
            if target.card.component.urn in source.card.needs:
                level, end = target.y + 27, target.x
                start = source.x + source.width
                yield svg.arrow([(start, level), (end, level)], "way", "head")
                verb = _verb(source.card, target.card)
                yield svg.text(((start + end) / 2 - 3, level - 9), verb, "plain", 12, "middle")
        for part in hung:
            if {part.card.component.urn, source.card.component.urn} & (
                part.card.needs | source.card.needs
            ):
                x = source.x + 24
                yield svg.path([(x, source.bottom), (x, part.y)], "part")


def _watched(watcher: Placed, placed: Sequence[Placed]) -> Iterable[str]:
    for watched in placed:
        if watched.card.component.urn not in watcher.card.needs:
            continue
        signals = _signals(watched.card)
        if watched.x + watched.width < watcher.x:
            level = watcher.y + 27
            start = watched.x + watched.width
            yield svg.arrow([(start, level), (watcher.x, level)], "signal", "signal-head")
            for line, signal in enumerate(signals):
                at = ((start + watcher.x) / 2 - 3, level + 17 + 15 * line)
                yield svg.text(at, signal, "quiet", 12, "middle")
        else:
            x = watched.x + watched.width / 2
            ends = [(x, watched.bottom), (x, watcher.y)]
            yield svg.arrow(ends, "signal", "signal-head")
            at = (x + 10, watched.bottom + 26)
            yield svg.text(at, ", ".join(signals), "quiet", 12)


def _routes(card: Card) -> str:
    """Return what callers may call: method and path, as the API's document has them."""
    paths = {
        path: operations
        for api in card.of_type("RestApi")
        for path, operations in json.loads(api["body"])["paths"].items()
    }
    return ", ".join(
        f"{method.upper()} {path}"
        for path in sorted(paths)
        for method in sorted(METHODS & {name.upper() for name in paths[path]})
    )


def _legend(found: Sequence[Card], at: svg.Point) -> Iterable[str]:
    present = {row.service for card in found for row in card.rows}
    x, y = at
    for service, (label, colour) in SERVICES.items():
        if service in present:
            yield svg.dot((x + 4, y - 4), colour)
            yield svg.text((x + 14, y), label, "quiet", 12)
            x += svg.width(label, 12) + 34


def draw(resources: Sequence[Resource], stack: str) -> str:
    """Return the picture of a stack, as SVG."""
    found = cards(resources)
    on_way, hung, watching = place(found)
    entry = on_way[0]
    middle = entry.x + entry.width / 2
    count = sum(len(card.resources) for card in found)
    title, subtitle = f"Stack {stack} on AWS", f"{count} resources, as the program declares them"
    shapes = [
        svg.text((MARGIN, 44), title, "strong", 22),
        svg.text((MARGIN, 66), subtitle, "quiet", 13),
        *_pill((middle, 114), "Client"),
        svg.arrow([(middle, 132), (middle, TOP)], "way", "head"),
        svg.text((middle + 12, 156), _routes(entry.card), "plain", 13),
        svg.text((middle + 12, 173), "HTTPS, x-api-key", "quiet", 12),
        *_ways(on_way, hung),
    ]
    bottom = max(placed.bottom for placed in (*on_way, *hung, *watching))
    for watcher in watching:
        shapes += _watched(watcher, on_way)
        if watcher.card.of_type("Topic"):
            x = watcher.x + watcher.width / 2
            shapes.append(
                svg.arrow([(x, watcher.bottom), (x, watcher.bottom + 48)], "signal", "signal-head")
            )
            shapes.append(svg.text((x + 10, watcher.bottom + 28), "alarms", "quiet", 12))
            shapes += _pill((x, watcher.bottom + 66), "On call")
            bottom = max(bottom, watcher.bottom + 84)
    for placed in (*on_way, *hung, *watching):
        shapes += _card(placed)
    shapes += _legend(found, (MARGIN, bottom + 40))
    right = max(placed.x + placed.width for placed in (*on_way, *hung, *watching))
    names = " to ".join(placed.card.name for placed in on_way)
    description = f"A request goes from a client to {names}."
    return svg.document((right + MARGIN, bottom + 64), title, description, shapes)
