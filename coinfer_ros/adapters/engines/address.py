# SPDX-License-Identifier: Apache-2.0
"""Where a served tail is: ``kserve://host:port/model[/version]``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from coinfer_ros.core.errors import InvalidInput

NAME = "engine.url"  # the setting that messages name
FORM = "kserve://host:port/model[/version]"
_SCHEMES = ("kserve", "http")
# Names in the path go unescaped, so that they can be nothing but names.
_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252})|[0-9A-Fa-f:.]{2,45}")


@dataclass(frozen=True)
class EngineAddress:
    """One served model.

    :param host: name or address, IPv6 without brackets.
    :param port: TCP port of its HTTP endpoint.
    :param model: name that it is served by.
    :param version: version, empty for the one that the engine chooses.
    """

    host: str
    port: int
    model: str
    version: str = ""

    @property
    def place(self) -> str:
        """``host:port``, as people read it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def model_path(self) -> str:
        """Path of the model's endpoints."""
        return f"/v2/models/{self.model}" + (f"/versions/{self.version}" if self.version else "")


def parse_address(url: str) -> EngineAddress:
    """Read an engine's address.

    :param url: ``kserve://host:port/model[/version]``; ``http`` in place of ``kserve`` is the same.
    :raises InvalidInput: naming what is wrong with it.

    >>> parse_address("kserve://edge:8000/git-scenes")
    EngineAddress(host='edge', port=8000, model='git-scenes', version='')
    >>> parse_address("http://[::1]:8000/git-scenes/2").model_path
    '/v2/models/git-scenes/versions/2'
    >>> parse_address("https://edge:8000/git-scenes")
    Traceback (most recent call last):
    ...
    coinfer_ros.core.errors.InvalidInput: engine.url must be kserve://host:port/model[/version], \
got 'https://edge:8000/git-scenes': its scheme is no kserve or http
    """
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        raise _wrong(url, "it is no text of plain characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _wrong(url, str(error)) from error
    if parts.scheme not in _SCHEMES:
        raise _wrong(url, f"its scheme is no {' or '.join(_SCHEMES)}")
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise _wrong(url, "it holds a user, a query or a fragment")
    host = parts.hostname or ""
    if not _HOST.fullmatch(host):
        raise _wrong(url, "it names no host")
    if not port:
        raise _wrong(url, "it names no port (Triton's is 8000)")
    model, *rest = parts.path.removeprefix("/").split("/")
    if len(rest) > 1:
        raise _wrong(url, "its path has more than a model and a version")
    check_model_name(f"the model in {NAME}", model)
    version = check_model_name(f"the version in {NAME}", rest[0]) if rest else ""
    return EngineAddress(host, port, model, version)


def check_model_name(name: str, value: str) -> str:
    """Return the name or version of a served model when it can stand in a path.

    :raises InvalidInput: otherwise.
    """
    if not _SEGMENT.fullmatch(value):
        raise InvalidInput(
            f"{name} must be 1 to 128 letters, digits, '.', '_' or '-', none '.' in front, "
            f"got {value!r:.160}"
        )
    return value


def _wrong(url: object, why: str) -> InvalidInput:
    return InvalidInput(f"{NAME} must be {FORM}, got {url!r:.200}: {why}")
