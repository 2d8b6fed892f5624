# SPDX-License-Identifier: Apache-2.0
"""Reads this package's messages out of a rosbag2 bag (MCAP or sqlite3), without ROS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rosbags.interfaces import MessageDefinitionFormat
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from coinfer_ros.adapters.bag import package_types
from coinfer_ros.core.errors import CoinferError, InvalidInput

KINDS = "a folder with a metadata.yaml, or an .mcap or .db3 file"


@dataclass(frozen=True)
class Heard:
    """One message of a bag.

    :param topic: its topic's full name.
    :param at_ns: when it was received, ns.
    :param message: its fields as attributes, sequences of numbers as arrays.
    """

    topic: str
    at_ns: int
    message: Any

    @property
    def name(self) -> str:
        """The last part of the topic's name: ``plan`` of ``/robot1/plan``."""
        return _last_part(self.topic)


def messages(path: Path, wanted: Mapping[str, str], interfaces: Path) -> Iterator[Heard]:
    """Yield a bag's messages as they were received.

    :param path: the bag.
    :param wanted: from the last part of a topic's name to its type, such as
        ``coinfer_ros/msg/Plan``; all else is left out.
    :param interfaces: folder with this package's .msg files.
    :raises InvalidInput: when it is no bag, or its messages are of another version of this package.
    """
    _check_path(path)
    types = package_types(interfaces)
    try:
        with Reader(path) as bag:
            found = [c for c in bag.connections if wanted.get(_last_part(c.topic)) == c.msgtype]
            for connection in found:
                _check_version(connection, types)
            missing = sum(connection.msgcount for connection in found)
            # No connection at all would mean every connection.
            for connection, at_ns, raw in bag.messages(found) if found else ():
                message = types.deserialize_cdr(raw, connection.msgtype)
                _check_schema(message, connection.topic, types)
                missing -= 1
                yield Heard(connection.topic, at_ns, message)
            if missing:
                raise InvalidInput(
                    f"BAG must hold what it lists, got {str(path)!r} with {missing} messages less"
                )
    except CoinferError:
        raise
    except Exception as error:
        # Of a damaged bag the library lets through what its parts raise: struct, zstd, sqlite.
        raise InvalidInput(
            f"BAG must be {KINDS} as a recorder closes it, got {str(path)!r}: {error} "
            "(`mcap recover` mends what a killed recorder left)"
        ) from error


def _check_path(path: Path) -> None:
    if not path.exists():
        raise InvalidInput(f"BAG must be {KINDS}, got {str(path)!r}, which is not there")
    if path.is_dir() and not (path / "metadata.yaml").is_file():
        raise InvalidInput(
            f"BAG must be {KINDS}, got {str(path)!r}, which has no metadata.yaml "
            "(where a recorder was killed, `ros2 bag reindex` makes one)"
        )


def _last_part(name: str) -> str:
    return name.rpartition("/")[2]


def _check_version(connection: Any, types: Any) -> None:
    """Check that a topic's messages have the fields that this package's have."""
    kind = connection.msgtype
    expected, digest = types.hash_rihs01(kind), connection.digest
    if digest == expected:
        return
    theirs = _definition(connection)
    # A single file has no hashes. Without a definition either, reading a message tells.
    if not digest and (theirs is None or theirs.hash_rihs01(kind) == expected):
        return
    raise InvalidInput(
        f"{connection.topic} must be {kind} as this version of the package has it, got another"
        f"{_changes(theirs, types) if theirs else ''}: replay the bag with the version that "
        "recorded it"
    )


def _definition(connection: Any) -> Any:
    """Return a store of the types as the bag itself describes them, None where it does not."""
    if connection.msgdef.format is not MessageDefinitionFormat.MSG:
        return None
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(connection.msgdef.data, connection.msgtype))
    return store


def _changes(theirs: Any, ours: Any) -> str:
    """Say which fields differ, for people."""
    found = []
    for kind, (_, fields) in theirs.fielddefs.items():
        there, here = dict(fields), dict(ours.fielddefs.get(kind, ((), ()))[1])
        names = [n for n in {**there, **here} if there.get(n) != here.get(n)]
        if names:
            found.append(f"{_last_part(kind)} differs in {', '.join(names)}")
    return f" ({'; '.join(found)})" if found else ""


def _check_schema(message: Any, topic: str, types: Any) -> None:
    schema = types.types["coinfer_ros/msg/RobotState"].SCHEMA
    if getattr(message, "schema", schema) != schema:
        raise InvalidInput(
            f"schema must be {schema} on {topic}, got {message.schema}: another version of this "
            "package recorded the bag"
        )
