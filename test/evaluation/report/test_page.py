# SPDX-License-Identifier: Apache-2.0
"""The page says what it was given, letter by letter, and needs nothing that is not inside it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import coinfer_ros
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.evaluation.figures.artifact import Artifact
from coinfer_ros.evaluation.report.page import page
from coinfer_ros.evaluation.report.parts import Figure, Section, Table

from .example import example, figure, stripes, table, white

pytest.importorskip("jinja2", reason="Jinja2 is not here: pip install '.[evaluation]'")

Attributes = dict[str, str | None]
ALONE = {"meta", "link", "img"}  # elements without an end
NASTY = """<b>&amp; "double" 'single' {{ 7 * 7 }} {% raw %} </code></style> µ∞ `" [a] (b)"""


class Page(HTMLParser):
    """What a page has: its elements, and the text in each kind of them."""

    def __init__(self, artifact: Artifact) -> None:
        super().__init__()
        self.elements: list[tuple[str, Attributes]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(artifact.content.decode())
        self.close()
        assert self._open == [], "an element has no end"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ALONE:
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            self.texts[tag][-1] += data

    def all(self, tag: str) -> list[Attributes]:
        return [attributes for name, attributes in self.elements if name == tag]

    def values(self, attribute: str) -> Iterator[str]:
        yield from (having[attribute] or "" for _, having in self.elements if attribute in having)


def test_every_text_survives_letter_by_letter() -> None:
    picture = Figure(stripes("1.png"), NASTY, NASTY, (f"{NASTY.replace('/', '')}.csv",))
    cells = Table(NASTY, (NASTY, "b"), ((NASTY, "2"),), NASTY)
    section = Section(NASTY, (NASTY,), (picture, cells), NASTY)
    seen = Page(page(NASTY, [NASTY], [(NASTY, NASTY)], [section]))
    for tag in ("title", "h1", "dt", "dd", "code"):
        assert NASTY in seen.texts[tag]
    assert seen.texts["th"] == [NASTY, "b", NASTY]
    assert seen.texts["figcaption"][0].strip().startswith(f"Figure 1. {NASTY}")
    assert seen.texts["figcaption"][1] == f"Table 1. {NASTY}"
    assert seen.texts["p"].count(NASTY) == 3  # summary, paragraph, note
    assert seen.all("img")[0]["alt"] == NASTY


def test_anchors_are_unique_and_the_contents_link_to_every_one() -> None:
    seen = Page(example())
    anchors = list(seen.values("id"))
    assert len(anchors) == len(set(anchors))
    linked = [a["href"] or "" for a in seen.all("a")]
    assert {href[1:] for href in linked if href.startswith("#")} <= set(anchors)
    assert set(seen.values("aria-labelledby")) <= set(anchors)
    places = {attributes["id"] for tag in ("section", "figure") for attributes in seen.all(tag)}
    assert len(places) == 4 + 6
    assert {f"#{place}" for place in places} <= set(linked)


def test_the_page_refers_to_nothing_outside_but_by_its_author_s_links() -> None:
    seen = Page(example())
    assert {tag for tag, _ in seen.elements}.isdisjoint(
        {"script", "iframe", "object", "embed", "base", "form", "audio", "video", "source"}
    )
    loaded = [*seen.values("src"), *(link["href"] or "" for link in seen.all("link"))]
    assert len(loaded) == 4
    assert all(address.startswith("data:") for address in loaded)
    assert list(seen.values("srcset")) == []
    links = {a["href"] or "" for a in seen.all("a")}
    files = {"0.png.csv", "1.png.csv", "2.png.csv", "comparison.csv"}
    assert {href for href in links if not href.startswith("#")} == {
        *files,
        "https://arxiv.org/abs/2602.13052",
    }
    for style in (*seen.texts["style"], *seen.values("style")):
        assert "url(" not in style
        assert "@import" not in style


def test_pictures_are_whole_and_of_their_size() -> None:
    artifacts = [stripes("a.png"), white("b.png")]
    seen = Page(example(*map(figure, artifacts))).all("img")
    assert [b64decode((one["src"] or "").partition(",")[2]) for one in seen] == [
        artifact.content for artifact in artifacts
    ]
    assert [(one["width"], one["height"]) for one in seen] == [("957", "540")] * 2


def test_numbers_stand_to_the_right_and_marked_cells_are_bold() -> None:
    kinds = Table(
        "kinds",
        ("words", "numbers", "signed", "about", "half"),
        (("8-bit", "1", "−2.5", "≈ 3 J", "1"), ("GPU", "unknown", "+.5", "< 0.1", "no")),
        marked=frozenset({(1, 1)}),
    )
    assert kinds.numeric == (False, False, True, True, False)
    seen = Page(page("t", [], [], [Section("s", (), (kinds,), "c")]))
    assert [cell.get("class") for cell in seen.all("td")] == [None, "number", "number", None] * 2
    assert seen.texts["strong"] == ["unknown"]


def test_the_same_input_gives_the_same_bytes_in_any_process() -> None:
    code = (
        "import sys; from coinfer_ros.evaluation.report.page import page; "
        "from coinfer_ros.evaluation.report.parts import Section, Table; "
        "marked = frozenset((r, c) for r in range(9) for c in range(2)); "
        "table = Table('t', ('a', 'b'), (('x', '1'),) * 9, marked=marked); "
        "made = page('p', ['s'], [('f', 'v')], [Section('s', ('p',), (table,), 'c')]); "
        "sys.stdout.buffer.write(made.content)"
    )
    source = str(Path(coinfer_ros.__file__).parents[1])
    made = {
        hashlib.sha256(
            subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": source},
                stdout=subprocess.PIPE,
                check=True,
            ).stdout
        ).hexdigest()
        for seed in ("1", "2")
    }
    assert len(made) == 1
    assert example() == example()


@pytest.mark.parametrize(
    "target",
    [
        *("javascript:alert", "data:text/html,x", "http://plain.org", "//host/x", "/etc/x"),
        *("#nowhere", "#table-1", "https://", "\\\\host", "file:///x"),
    ],
)
def test_a_link_to_elsewhere_is_refused(target: str) -> None:
    with pytest.raises(InvalidInput, match="a link's target must be https://"):
        page("t", [f"see [it]({target})"], [], [])


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(
        InvalidInput, match=r"parts of 's' must be of Figure and Table, got 'p\.png'"
    ):
        Section("s", (), ("p.png",), "c")  # type: ignore[arg-type]


def test_what_cannot_be_shown_is_refused_by_name() -> None:
    good, cells = figure(stripes("a.png")), table("t")
    cut = Artifact("cut.png", good.artifact.content[:-1])
    for change, named in (
        (lambda: replace(good, artifact=cut), "must be a whole PNG, got .* of cut.png"),
        (lambda: replace(good, artifact=Artifact("x.png", b"<svg/>")), "must be a whole PNG"),
        (lambda: replace(good, alt=" "), "alt of a.png must have words"),
        (lambda: replace(good, caption=""), "caption of a.png must have words"),
        (lambda: replace(good, csv=("../a.csv",)), "csv must be plain names"),
        (lambda: replace(cells, rows=()), "rows of 't' must be at least one, .* got 0 rows"),
        (lambda: replace(cells, rows=(("x", "1"),)), "rows of 't' .* got 2 in"),
        (lambda: replace(cells, marked=frozenset({(0, 10)})), r"marked .* got \(0, 10\)"),
        (lambda: replace(cells, marked=frozenset({(-1, 0)})), r"marked .* got \(-1, 0\)"),
        (lambda: Section("s", (), (), " "), "command of 's' must have words"),
    ):
        with pytest.raises(InvalidInput, match=named):
            change()
