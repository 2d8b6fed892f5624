# SPDX-License-Identifier: Apache-2.0
"""Keeps on disk what a clock was before we set it, so that it can be given back after SIGKILL."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.adapters.devices.permission import REMEDY
from coinfer_ros.adapters.devices.sysfs import LONGEST_BYTES, read_text
from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unavailable

SUFFIX = ".former.json"


@dataclass(frozen=True)
class Former:
    """What a clock's owner found before it changed anything.

    :param boot_id: the kernel's name for the time since it booted.
    :param pid: the owner.
    :param values: what the driver's ``restore`` takes.
    """

    boot_id: str
    pid: int
    values: Mapping[str, str]


class FormerState:
    """The file ``<device>.former.json``; there is one while the hardware may be changed.

    Only the device's owner may call it. It is whole or absent at every moment, and never reached
    through a symbolic link.

    :param folder: where it lies.
    :param device: the driver's name for the device.
    :param root: root of the system's files.
    :ivar note: what became of a file that is not to be followed, for people; empty: nothing.
    """

    def __init__(self, folder: Path, device: str, root: Path = Path("/")) -> None:
        self.note = ""
        self._device = device
        self._root = root
        self._folder = folder
        self._path = folder / f"{device}{SUFFIX}"
        self._draft = folder / f"{device}{SUFFIX}.draft"

    def load(self) -> Former | None:
        """Return what a former owner left behind, None: nothing that is to be followed.

        A damaged file is set aside. One from before the last boot is removed: the hardware began
        anew then.

        :raises NotPermitted: with the one command that permits it.
        :raises Unavailable: when the folder cannot be used.
        """
        self.note = ""
        with in_folder(self._folder):
            try:
                former = _parse(_read(self._path), self._device)
            except FileNotFoundError:
                return None
            except InvalidInput as error:
                self.set_aside(str(error))
                return None
        if former.boot_id != self._boot_id():
            self.remove()
            self.note = (
                f"what process {former.pid} left of {self._device} before the last boot is "
                f"removed: the hardware began anew then"
            )
            return None
        return former

    def save(self, values: Mapping[str, str]) -> None:
        """Write the file; when this returns it is on disk.

        :raises NotPermitted: with the one command that permits it.
        :raises Unavailable: when the folder cannot be used.
        """
        entry = {
            "device": self._device,
            "boot_id": self._boot_id(),
            "pid": os.getpid(),
            "values": dict(values),
        }
        with in_folder(self._folder):
            self._draft.unlink(missing_ok=True)
            with open(self._draft, "x", opener=_create, encoding="utf-8") as file:
                json.dump(entry, file)
                file.flush()
                os.fsync(file.fileno())
            self._draft.replace(self._path)
            _sync(self._folder)

    def remove(self) -> None:
        """Remove the file, and a draft of it that a killed writer left; twice is once.

        :raises NotPermitted: with the one command that permits it.
        :raises Unavailable: when the folder cannot be used.
        """
        with in_folder(self._folder):
            for path in (self._draft, self._path):
                path.unlink(missing_ok=True)
            _sync(self._folder)

    def set_aside(self, reason: str) -> None:
        """Rename the file, so that people can look at it and nobody follows it."""
        with in_folder(self._folder):
            aside = self._path.replace(self._path.with_name(f"{self._path.name}.damaged"))
            _sync(self._folder)
        self.note = f"a damaged file was set aside as {aside}, the clock is left as it is: {reason}"

    def _boot_id(self) -> str:
        return read_text(self._root / "proc/sys/kernel/random/boot_id")


@contextlib.contextmanager
def in_folder(folder: Path) -> Iterator[None]:
    """Translate the system's errors in a folder into ours."""
    try:
        yield
    except PermissionError as error:
        raise NotPermitted(f"{folder} must be writable by this user; {REMEDY}") from error
    except OSError as error:
        if error.errno == errno.EROFS:
            raise NotPermitted(f"{folder} lies on a read-only file system; {REMEDY}") from error
        raise Unavailable(f"{folder} must take files: {error}") from error


def _read(path: Path) -> bytes:
    """Return what is in the file.

    :raises InvalidInput: when it is a symbolic link.
    """
    try:
        with open(path, "rb", opener=_no_link) as file:
            return file.read(LONGEST_BYTES)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InvalidInput(f"{path} must be no symbolic link") from error
        raise


def _parse(text: bytes, device: str) -> Former:
    """Return what the text of a file says.

    :raises InvalidInput: when it is not what ``save`` writes for this device.
    """
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"a former state must be JSON: {error}") from error
    match entry:
        case {
            "device": str(found),
            "boot_id": str(boot_id),
            "pid": int(pid),
            "values": dict(values),
        } if found == device and all(isinstance(value, str) for value in values.values()):
            return Former(boot_id, pid, values)
    raise InvalidInput(
        f"a former state must hold device {device}, boot_id, pid and values, got {text[:80]!r}"
    )


def _no_link(path: str, flags: int) -> int:
    # Non-blocking: a pipe at the file's place must not hold us up.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _create(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    # Everyone may read it, so that any user's doctor can tell what was left.
    os.fchmod(descriptor, 0o644)
    return descriptor


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
