# SPDX-License-Identifier: Apache-2.0
"""Writes running text as HTML: everything escaped, with code and links and no other mark-up."""

from __future__ import annotations

import re
from collections.abc import Container
from html import escape

from coinfer_ros.core.errors import InvalidInput

_MARK = re.compile(r"`(?P<code>[^`]+)`|\[(?P<text>[^\[\]]+)\]\((?P<target>[^()\s]+)\)")
_WEB = re.compile(r"https://\w[^\\]*")
_RELATIVE = re.compile(r"[^#/\\:][^\\:]*")  # no scheme, and no //host
_OPTION = re.compile(r"(?<!\S)--?\w[\w-]{0,30}(?![\w-])")


def prose(text: str, anchors: Container[str] = ()) -> str:
    """Return text as HTML.

    :param text: running text; of Markdown it may have `` `code` `` and ``[text](target)``.
    :param anchors: the page's own places, which ``#anchor`` may name.
    :raises InvalidInput: when a link's target is none of https://, a relative file or an anchor.

    >>> prose("where `a < b`, see [the [sic] bits](b.csv) or [the bits](b.csv)")
    'where <code>a &lt; b</code>, see [the [sic] bits](b.csv) or <a href="b.csv">the bits</a>'
    """
    parts, end = [], 0
    for mark in _MARK.finditer(text):
        parts += [escape(text[end : mark.start()]), _marked(mark, anchors)]
        end = mark.end()
    return "".join([*parts, escape(text[end:])])


def code(text: str) -> str:
    """Return code as HTML, in which no line ends between the hyphens and the name of an --option.

    >>> code("run --bits <b>")
    '<code>run <span>--bits</span> &lt;b&gt;</code>'
    """
    options = _OPTION.sub(lambda word: f"<span>{word[0]}</span>", escape(text))
    return f"<code>{options}</code>"


def _marked(mark: re.Match[str], anchors: Container[str]) -> str:
    if mark["code"]:
        return code(mark["code"])
    target = mark["target"]
    own = target.startswith("#") and target[1:] in anchors
    if not own and not _WEB.fullmatch(target) and not _RELATIVE.fullmatch(target):
        raise InvalidInput(
            "a link's target must be https://..., the relative name of a file or an #anchor of "
            f"this page, got {target!r} in {mark[0]!r}"
        )
    return f'<a href="{escape(target)}">{prose(mark["text"])}</a>'
