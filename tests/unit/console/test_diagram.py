"""The diagram of docs/architecture.md: true to the declarations, and legible."""

from xml.etree import ElementTree

import pytest

from console import diagram, svg
from local import pulumi_program
from tests.conftest import STACK, declare
from tools.docs import diagram as drawing

pytestmark = pytest.mark.conformance

OPTIONS = {
    "manage_api_gateway_account": "true",
    "domain_name": "api.example.com",
    "certificate_arn": "arn:aws:acm:eu-central-1:123456789012:certificate/one",
    "waf_rate_limit": "1000",
}


def test_the_checked_in_picture_is_what_the_stack_declares() -> None:
    drawn = diagram.draw(pulumi_program.declared_resources(drawing.STACK), drawing.STACK)
    assert drawn == drawing.FILE.read_text(encoding="utf-8"), "`make diagram` draws it anew"
    ElementTree.fromstring(drawn)


def test_every_declared_resource_is_in_a_card() -> None:
    resources = declare(**OPTIONS)
    drawn = sum(len(card.resources) for card in diagram.cards(resources))
    assert drawn == sum(not resource.component for resource in resources)


def test_every_component_is_on_the_picture_whatever_is_turned_on() -> None:
    resources = declare(**OPTIONS)
    drawn = diagram.draw(resources, STACK)
    parents = {resource.parent for resource in resources}
    for component in (one for one in resources if one.component and one.urn in parents):
        assert f">{component.kind.rpartition(':')[2]}<" in drawn


def test_nothing_in_a_row_overlaps() -> None:
    for card in diagram.cards(declare(**OPTIONS)):
        for _, label, detail in card.rows():
            texts = svg.width(label, 14) + svg.width(detail, 12)
            assert 18 + texts + 8 < diagram.WIDTH - 32, label
