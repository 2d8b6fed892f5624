# SPDX-License-Identifier: Apache-2.0
"""Looks at what the environment makes of ROS: the library, the middleware, and who is found."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from coinfer_ros.tools.doctoring.apart import Check
from coinfer_ros.tools.doctoring.finding import Finding, Status

AREA = "ROS"
DEFAULT_RMW = "rmw_fastrtps_cpp"
# Beyond, DDS's ports lie among those that Linux hands out (docs.ros.org, "The ROS_DOMAIN_ID").
HIGHEST_DOMAIN = 101
RANGES = ("", "SUBNET", "LOCALHOST", "OFF", "SYSTEM_DEFAULT")
# Fast DDS's documentation, "Environment variables"; LARGE_DATA may be followed by options.
TRANSPORTS = (
    *("", "NONE", "DEFAULT", "DEFAULTv6", "SHM", "UDPv4", "UDPv6", "LARGE_DATA", "LARGE_DATAv6"),
    "P2P",
)
# The first is Fast DDS's of Jazzy, the second of version 3.
PROFILES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")


def is_here() -> bool:
    """Tell whether ROS's Python library can be imported."""
    return importlib.util.find_spec("rclpy") is not None


def is_local(environ: Mapping[str, str]) -> bool:
    """Tell whether ROS is asked to find nodes of this machine alone."""
    return (
        environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "") == "LOCALHOST"
        or environ.get("ROS_LOCALHOST_ONLY", "0") == "1"
    )


def checks(environ: Mapping[str, str]) -> list[Check]:
    """Return the checks of the environment."""
    return [
        Check(AREA, "rclpy", _library),
        Check(AREA, "settings", partial(_settings, environ)),
    ]


def _library() -> Iterator[Finding]:
    if not is_here():
        words = "rclpy cannot be imported, so nodes cannot run here; all else can"
        yield Finding(AREA, "rclpy", Status.MISSING, words, "source /opt/ros/jazzy/setup.bash")
        return
    spec = importlib.util.find_spec("rclpy")
    origin = Path(spec.origin or "").parent if spec else ""
    yield Finding(AREA, "rclpy", Status.GOOD, f"{origin}")


def _settings(environ: Mapping[str, str]) -> Iterator[Finding]:
    get = environ.get
    shown = {
        "domain": get("ROS_DOMAIN_ID") or "0",
        "finds nodes of": "this machine" if is_local(environ) else "the network",
        "middleware": get("RMW_IMPLEMENTATION") or f"{DEFAULT_RMW} (default)",
        "transports": get("FASTDDS_BUILTIN_TRANSPORTS") or "shared memory and UDPv4 (default)",
        **{name: get(name, "") for name in PROFILES if get(name)},
    }
    words = ", ".join(f"{name} {value}" for name, value in shown.items())
    yield Finding(AREA, "settings", Status.GOOD, words)
    yield from (
        Finding(AREA, name, Status.FAULT, text, f"unset {name}")
        for name, text in _wrong(environ).items()
    )
    if is_local(environ):
        name = "ROS_AUTOMATIC_DISCOVERY_RANGE"
        words = "nodes of other hosts are not found, and FASTDDS_BUILTIN_TRANSPORTS has no effect"
        yield Finding(
            AREA, name, Status.LIMITED, words, f"export {name}=SUBNET ROS_LOCALHOST_ONLY=0"
        )


def _wrong(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong, by the variable that says it."""
    wrong = {}
    domain = environ.get("ROS_DOMAIN_ID", "")
    if domain and not (domain.isdigit() and int(domain) <= HIGHEST_DOMAIN):
        wrong["ROS_DOMAIN_ID"] = f"must be a whole number in [0, {HIGHEST_DOMAIN}], got {domain!r}"
    for name, choices in (
        ("ROS_AUTOMATIC_DISCOVERY_RANGE", RANGES),
        ("FASTDDS_BUILTIN_TRANSPORTS", TRANSPORTS),
    ):
        value = environ.get(name, "")
        if value.partition("?")[0] not in choices:
            listed = ", ".join(choices[1:])
            wrong[name] = f"must be one of {listed}, got {value!r}, which has no effect"
    for name in PROFILES:
        if environ.get(name) and not Path(environ[name]).is_file():
            wrong[name] = f"must be a file, got {environ[name]!r}, which has no effect"
    logs = _log_folder(environ)
    nearest = next(path for path in (logs, *logs.parents) if path.exists())
    if not os.access(nearest, os.W_OK, effective_ids=True):
        wrong["ROS_LOG_DIR"] = f"{logs} must be writable, or no node starts"
    return wrong


def _log_folder(environ: Mapping[str, str]) -> Path:
    """Return where rcl writes its logs (rcl_logging_interface)."""
    home = environ.get("ROS_HOME") or str(Path(environ.get("HOME", "/")) / ".ros")
    return Path(environ.get("ROS_LOG_DIR") or f"{home}/log").expanduser()
