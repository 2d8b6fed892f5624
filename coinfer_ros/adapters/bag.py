# SPDX-License-Identifier: Apache-2.0
"""Writes a rosbag2 bag (MCAP, as Jazzy does by default) of messages that are serialized already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.rosbag2.writer import WriterError
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from coinfer_ros.core.errors import Unavailable


def package_types(interfaces: Path) -> Any:
    """Return rosbags' store of Jazzy's message types with this package's.

    :param interfaces: folder with this package's .msg files.
    """
    types = get_typestore(Stores.ROS2_JAZZY)
    for file in sorted(interfaces.glob("*.msg")):
        name = f"coinfer_ros/msg/{file.stem}"
        types.register(get_types_from_msg(file.read_text(encoding="utf-8"), name))
    return types


class Bag:
    """A bag that is open for writing.

    :param path: its folder; must not exist yet.
    :param interfaces: folder with this package's .msg files.
    :raises Unavailable: when the folder exists or cannot be made.
    """

    def __init__(self, path: Path, interfaces: Path) -> None:
        self._types = package_types(interfaces)
        try:
            self._writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
            self._writer.open()
        except (WriterError, OSError) as error:
            raise Unavailable(
                f"record.bag must be a new folder, got {str(path)!r}: {error}"
            ) from error
        self._connections: dict[str, object] = {}

    def write(self, topic: str, kind: str, stamp_ns: int, data: bytes) -> None:
        """Append one message.

        :param kind: full type name, such as ``coinfer_ros/msg/Plan``.
        :param stamp_ns: when it was received, ns.
        :param data: its CDR bytes.
        """
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(
                topic, kind, typestore=self._types
            )
        self._writer.write(self._connections[topic], stamp_ns, data)

    def close(self) -> None:
        """Finish the bag; without this it cannot be read."""
        self._writer.close()
