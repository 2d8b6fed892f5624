# SPDX-License-Identifier: Apache-2.0
"""What the set-up decides and says: text and numbers in, text and numbers out, nothing touched."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# Measured: .venv 2.2 GB (with CUDA's libraries 5.8 when it was 2.0 without), build 0.02; pip's
# cache keeps a part more.
DISK_BYTES = 3_000_000_000
DISK_BYTES_WITH_CUDA = 10_000_000_000

# The exported .cmake files of the ROS wheels name the headers of the machine that built them.
_BUILDERS_NUMPY = re.compile(r'/opt/python/[^;"]*/numpy/_core/include')
_BUILDERS_PYTHON = re.compile(r'/opt/python/[^;"]*/include/python[\d.]+')


_ACTIVITIES = {
    r"^\s*Downloading (\S+?)-(\d[^-]*)-\S+ (\(.*\))": "downloading {}-{} {}",
    r"^Collecting ([A-Za-z0-9._-]+)": "looking at {}",
    r"^Installing collected packages:": "installing {count} packages",
    r"Retrying \(": "the package index does not answer, trying again",
    r"^\[(\d+)/(\d+)\]": "building {} of {}",
}


class SetupError(Exception):
    """One line: what is missing and what to do."""


@dataclass(frozen=True)
class Ros:
    """A ROS 2 that was sourced, as the environment must remember it.

    :param distro: its name.
    :param prefixes: AMENT_PREFIX_PATH.
    :param libraries: LD_LIBRARY_PATH.
    :param python_paths: PYTHONPATH.
    """

    distro: str
    prefixes: Sequence[str]
    libraries: Sequence[str]
    python_paths: Sequence[str]


def sourced_ros(environ: Mapping[str, str], own_prefixes: Iterable[str] = ()) -> Ros | None:
    """Return the ROS 2 of this shell, less any workspace that holds this very package."""
    own = tuple(prefix.rstrip("/") + "/" for prefix in own_prefixes)

    def entries(name: str) -> list[str]:
        split = filter(None, environ.get(name, "").split(os.pathsep))
        return [e for e in split if not (e.rstrip("/") + "/").startswith(own)]

    prefixes = entries("AMENT_PREFIX_PATH")
    if not environ.get("ROS_DISTRO") or not prefixes:
        return None
    return Ros(
        distro=environ["ROS_DISTRO"],
        prefixes=prefixes,
        libraries=entries("LD_LIBRARY_PATH"),
        python_paths=entries("PYTHONPATH"),
    )


def machine_complaint(*, system: str, machine: str, bits: int, ros: Ros | None) -> str | None:
    """Say why this machine cannot take the ROS wheels, or None."""
    if ros is not None:
        return None
    if (system, machine, bits) == ("Linux", "x86_64", 64):
        return None
    return (
        f"the ROS wheels are for 64-bit x86 Linux, this Python runs on {bits}-bit {machine} "
        f"{system}: source a ROS 2 Jazzy (source /opt/ros/jazzy/setup.bash) and run make again"
    )


def disk_complaint(free_bytes: int, *, cuda: bool) -> str | None:
    """Say why the disk is too small, or None."""
    need = DISK_BYTES_WITH_CUDA if cuda else DISK_BYTES
    if free_bytes >= need:
        return None
    return (
        f"the packages need {need / 1e9:.0f} GB and {free_bytes / 1e9:.1f} GB are free: "
        "make room on the disk of this folder"
    )


def requirement_lines(text: str) -> list[str]:
    """List the requirements without comments and blank lines."""
    return [line for raw in text.splitlines() if (line := raw.split("#")[0].strip())]


def requirement_name(line: str) -> str:
    """Return the name that a requirement begins with.

    >>> requirement_name("ros-jazzy-rclpy[fastrtps]==7.1.6")
    'ros-jazzy-rclpy'
    """
    found = re.match(r"[A-Za-z0-9._-]+", line)
    return found.group().lower() if found else ""


def pins(lines: Iterable[str], name: str) -> list[str]:
    """List the lines that pin ``name``: several where markers tell Pythons apart."""
    return [line for line in lines if requirement_name(line) == name]


def chosen_lines(lines: Iterable[str], *, ros: bool, opengl: bool) -> list[str]:
    """Choose what pip is to install.

    :param ros: a sourced ROS 2 is there, so its wheels are not wanted.
    :param opengl: libGL.so.1 loads, which the OpenCV that opens windows is linked to.
    """
    early = ("pip", "uv")
    chosen = [line for line in lines if requirement_name(line) not in early]
    if ros:
        chosen = [line for line in chosen if not requirement_name(line).startswith("ros-")]
    if not opengl:
        chosen = [re.sub(r"^opencv-python\b(?!-)", "opencv-python-headless", c) for c in chosen]
    return chosen


def brings_cuda(report: Mapping[str, object]) -> bool:
    """Say whether pip's installation report (``pip install --report``) holds NVIDIA's libraries."""
    installs = report.get("install")
    items = installs if isinstance(installs, list) else []
    names = [str(item["metadata"]["name"]).lower() for item in items]
    return any(re.match(r"nvidia-|cuda-|triton$", name) for name in names)


def repaired_cmake(text: str, *, python_include: str, numpy_include: str) -> str:
    """Return an exported .cmake file with this machine's headers instead of the wheel builder's."""
    text = _BUILDERS_NUMPY.sub(lambda _: numpy_include, text)
    return _BUILDERS_PYTHON.sub(lambda _: python_include, text)


def pip_complaint(log: str) -> str:
    """Say in one line why pip failed, from all that it printed."""
    retries = re.findall(r"Retrying \(Retry\(total=0.*", log)
    if retries:
        found = re.search(r"\[Errno -?\d+\] ([\w ]+)", retries[-1])
        reason = found.group(1) if found else "no answer in time"
        return f"the package index cannot be reached ({reason}): check the network or pip's proxy"
    errors = re.findall(r"^ERROR: (.+)$", log, flags=re.MULTILINE)
    return f"pip failed: {errors[-1] if errors else last_line(log)}"


def build_complaint(log: str) -> str:
    """Say in one line why CMake or the compiler failed."""
    error = re.search(r"^(?:.*\berror: .+|CMake Error[^\n]*\n\s*.+)$", log, flags=re.MULTILINE)
    reason = " ".join(error.group().split()) if error else last_line(log)
    return f"building the messages failed: {reason}"


def last_line(log: str) -> str:
    """Return the last line that says anything."""
    return next((line.strip() for line in reversed(log.splitlines()) if line.strip()), "no output")


def activity(line: str, now: str) -> str:
    """Say what goes on by a line of pip's or Ninja's output; ``now`` if it tells nothing new.

    >>> activity("  Downloading torch-2.13.0-cp311-linux.whl (191.4 MB)", "")
    'downloading torch-2.13.0 (191.4 MB)'
    >>> activity("Progress 50 of 200", "downloading torch-2.13.0 (191.4 MB)")
    'downloading torch-2.13.0 (191.4 MB) 25 %'
    """
    if found := re.match(r"Progress (\d+) of (\d+)", line):
        percent = 100 * int(found.group(1)) // max(1, int(found.group(2)))
        return f"{re.sub(r' [0-9]+ %$', '', now)} {percent} %"
    for pattern, words in _ACTIVITIES.items():
        if found := re.search(pattern, line):
            return words.format(*found.groups(), count=line.count(",") + 1)
    return now


def fingerprint(parts: Iterable[str | bytes]) -> str:
    """Make one key of many parts; moving text from one part to the next changes it."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()
