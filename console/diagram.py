"""The diagram of a stack, drawn from its declared resources.

Each component is a card with a row for each resource type. The cards of a request's path stand in
columns from left to right; the others stand below and name the components that they serve.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from console import svg
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
_OTHER = ("", "#8a97a6")

# A detail of the only resource of a type in its component.
_DETAILS: Mapping[str, Callable[[Properties], str]] = {
    "Alias": lambda inputs: str(inputs["name"]),
    "Function": lambda inputs: f"{inputs['runtime']} · {inputs['memorySize']:,} MB",
    "LogGroup": lambda inputs: f"{inputs['retentionInDays']} days",
    "UsagePlan": lambda inputs: f"{inputs['throttleSettings']['rateLimit']:,} requests/s",
}


@dataclass(frozen=True, kw_only=True)
class Card:
    """A component with its resources; `needs` are the URNs of its dependencies."""

    component: Resource
    resources: tuple[Resource, ...]
    needs: frozenset[str]

    @property
    def name(self) -> str:
        """The component's name without the project's name."""
        return self.component.name.partition("-")[2]

    @property
    def title(self) -> str:
        """The component's type."""
        return _type(self.component)

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the service, the label and the detail of each resource type."""
        found = []
        for kind, count in Counter(resource.kind for resource in self.resources).items():
            (first, *_) = (resource for resource in self.resources if resource.kind == kind)
            type_, service = _type(first), kind.removeprefix("aws:").partition("/")[0]
            describe = _DETAILS.get(type_)
            detail = describe(first.inputs) if describe and count == 1 else ""
            found.append((service, type_, f"×{count}" if count > 1 else detail))
        return found

    def has(self, *types: str) -> bool:
        """Test whether the component has a resource of one of these types."""
        return any(_type(resource) in types for resource in self.resources)


def _type(resource: Resource) -> str:
    return resource.kind.rpartition(":")[2]


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
            needs = frozenset(needed - {component.urn})
            found.append(Card(component=component, resources=own, needs=needs))
    return found


WIDTH, GAP, MARGIN, TOP = 280, 48, 32, 172
ROW, HEAD, BELOW, COLUMNS = 26, 58, 32, 3
# A component with one of these types is on a request's path if its predecessor needs it.
_ON_PATH = ("Alias", "Bucket", "Table", "Queue", "Secret", "Topic")


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A card at its place, with a caption."""

    card: Card
    x: float
    y: float
    caption: str

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + HEAD + len(self.card.rows()) * ROW + 10


def _path(found: Sequence[Card]) -> list[list[Card]]:
    """Return the cards of a request's path by distance from the API."""
    columns = [[card for card in found if card.has("RestApi")]]
    while columns[-1]:
        known = [card for column in columns for card in column]
        needs = frozenset().union(*(card.needs for card in columns[-1]))
        near = [card for card in found if card.component.urn in needs and card not in known]
        columns.append([card for card in near if card.has(*_ON_PATH)])
    return columns[:-1]


def place(found: Sequence[Card]) -> tuple[list[Placed], list[tuple[Placed, Placed]]]:
    """Return the cards at their places, and the pairs that an arrow joins.

    The cards of the request's path come first, then the others below them.
    """
    columns = _path(found)
    bottoms: list[float] = [TOP - BELOW] * max(COLUMNS, len(columns))

    def put(card: Card, column: int, caption: str) -> Placed:
        x, y = MARGIN + column * (WIDTH + GAP), bottoms[column] + BELOW
        placed = Placed(card=card, x=x, y=y, caption=caption)
        bottoms[column] = placed.bottom
        return placed

    path = [[put(card, n, card.name) for card in column] for n, column in enumerate(columns)]
    calls = [
        (source, target)
        for column, following in zip(path, path[1:])
        for source in column
        for target in following
        if target.card.component.urn in source.card.needs
    ]
    placed = [each for column in path for each in column]
    on_path = [each.card for each in placed]
    for card in (card for card in found if card not in on_path):
        linked = [other.title for other in found if _linked(other, card)]
        caption = f"for {', '.join(linked)}" if linked else card.name
        placed.append(put(card, bottoms.index(min(bottoms)), caption))
    return placed, calls


def _linked(one: Card, other: Card) -> bool:
    return one.component.urn in other.needs or other.component.urn in one.needs


def _card(placed: Placed) -> Iterable[str]:
    card, x, y = placed.card, placed.x, placed.y
    yield svg.box((x, y), (WIDTH, placed.bottom - y), "card", 10)
    yield svg.text((x + 16, y + 25), card.title, "strong", 16)
    yield svg.text((x + 16, y + 43), placed.caption, "quiet", 12)
    for index, (service, label, detail) in enumerate(card.rows()):
        left, base = x + 16, y + HEAD + index * ROW + 18
        yield svg.dot((left + 4, base - 5), SERVICES.get(service, _OTHER)[1])
        yield svg.text((left + 18, base), label, "plain", 14)
        yield svg.text((left + WIDTH - 32, base), detail, "quiet", 12, "end")


def _legend(found: Sequence[Card], at: svg.Point) -> Iterable[str]:
    present = {service for card in found for service, *_ in card.rows()}
    x, y = at
    for service, (label, colour) in SERVICES.items():
        if service in present:
            yield svg.dot((x + 4, y - 4), colour)
            yield svg.text((x + 14, y), label, "quiet", 12)
            x += svg.width(label, 12) + 34


def draw(resources: Sequence[Resource], stack: str) -> str:
    """Return the diagram of a stack as SVG."""
    found = cards(resources)
    placed, calls = place(found)
    middle = MARGIN + WIDTH / 2
    count = sum(len(card.resources) for card in found)
    title, subtitle = f"Stack {stack} on AWS", f"{count} resources, as the program declares them"
    bottom = max(each.bottom for each in placed)
    right = max(each.x for each in placed) + WIDTH
    shapes = [
        svg.text((MARGIN, 44), title, "strong", 22),
        svg.text((MARGIN, 66), subtitle, "quiet", 13),
        svg.box((middle - 40, 90), (80, 36), "pill", 18),
        svg.text((middle, 113), "Client", "on-pill", 14, "middle"),
        svg.arrow((middle, 126), (middle, TOP)),
        svg.text((middle + 12, 152), "HTTPS", "quiet", 12),
        *(shape for each in placed for shape in _card(each)),
        *(svg.arrow((a.x + WIDTH, a.y + 27), (b.x, b.y + 27)) for a, b in calls),
        *_legend(found, (MARGIN, bottom + 40)),
    ]
    return svg.document((right + MARGIN, bottom + 64), title, subtitle, shapes)
