# SPDX-License-Identifier: Apache-2.0
"""What the documents point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coinfer_ros.tools.cli import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def anchors(page: Path) -> set[str]:
    """Return what a link may point to in a page: its headings, as the usual renderers name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_heading_finds_it(page):
    links = re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8"))
    lost = [
        (name, anchor)
        for name, anchor in links
        if anchor not in anchors(page.parent / name if name else page)
    ]
    assert lost == []


def test_the_readme_shows_the_two_commands_first_and_names_every_subcommand():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.index("make demo") < text.index("make test") < text.index("demo.png")
    for command in COMMANDS:
        assert re.search(rf"coinfer {command}|make {command}", text), command
