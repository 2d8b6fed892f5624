# SPDX-License-Identifier: Apache-2.0
"""Makes the page of a report: one file that asks nobody for anything, the same for the same input.

Use::

    made = page("Title", ["It saves energy."], [("machine", "a laptop")], sections)
    write([made, *csvs], folder)  # of coinfer_ros.evaluation.figures.artifact
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from coinfer_ros.evaluation.extras import needed
from coinfer_ros.evaluation.figures.artifact import Artifact
from coinfer_ros.evaluation.report.parts import Figure, Section, Table
from coinfer_ros.evaluation.report.prose import code, prose

NAME = "report.html"
FACTS = "facts"  # the anchor of how it was made
_TEMPLATE = "page.html.j2"


@dataclass(frozen=True)
class _Place:
    """Where something is, and as what it is known: Figure 2, ``#figure-2``."""

    kind: str
    number: int
    content: Any
    inside: tuple[_Place, ...] = ()

    @property
    def anchor(self) -> str:
        return f"{self.kind}-{self.number}"

    @property
    def label(self) -> str:
        return f"{self.kind.capitalize()} {self.number}"


def page(
    title: str,
    summary: Sequence[str],
    facts: Sequence[tuple[str, str]],
    sections: Sequence[Section],
) -> Artifact:
    """Return the page as a file.

    Sections, figures and tables are numbered in their order: text links to them as
    ``[Figure 2](#figure-2)``.

    :param title: the page's title.
    :param summary: the findings, a paragraph each.
    :param facts: what and its value: machine, versions, seeds, samples, dates, command.
    :param sections: what follows.
    :raises InvalidInput: when a text links to what it may not (:func:`.prose.prose`).
    :raises Unavailable: when Jinja2 is not here; says what to install.
    """
    places = _places(sections)
    anchors = {FACTS, *(p.anchor for place in places for p in (place, *place.inside))}
    html: str = _template(anchors).render(
        title=title, summary=summary, facts=facts, facts_anchor=FACTS, sections=places
    )
    return Artifact(NAME, html.encode())


def _places(sections: Sequence[Section]) -> tuple[_Place, ...]:
    """Count sections, figures and tables, each throughout the page."""
    numbers: Counter[str] = Counter()

    def place(kind: str, content: Section | Figure | Table, inside: Any = ()) -> _Place:
        numbers[kind] += 1
        return _Place(kind, numbers[kind], content, tuple(inside))

    return tuple(
        place("section", section, [place(type(p).__name__.lower(), p) for p in section.parts])
        for section in sections
    )


def _template(anchors: Container[str]) -> Any:
    jinja2 = needed("jinja2")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["prose"] = partial(prose, anchors=anchors)
    environment.filters["code"] = code
    environment.filters["base64"] = lambda content: b64encode(content).decode()
    return environment.get_template(_TEMPLATE)
