"""The links between the pages of the documentation."""

import re
from collections.abc import Iterator
from pathlib import Path

from local.stack_files import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md"), ROOT / "emulator/README.md"])
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def _anchors(page: Path) -> set[str]:
    """Return GitHub's anchors of a page's headings."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    heads = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def _broken() -> Iterator[str]:
    for page in PAGES:
        for target, anchor in _LINK.findall(page.read_text(encoding="utf-8")):
            file = page.parent / target if target else page
            if not file.exists() or (anchor and anchor not in _anchors(file)):
                yield f"{page.relative_to(ROOT)}: {target}#{anchor}"


def test_every_link_leads_to_a_file_and_a_heading() -> None:
    assert len(PAGES) > 20
    assert not list(_broken())
