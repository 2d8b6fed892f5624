# SPDX-License-Identifier: Apache-2.0
"""Lets two processes find each other, and lists the nodes that are there now."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import coinfer_ros
from coinfer_ros.tools.doctoring import ros
from coinfer_ros.tools.doctoring.apart import Check
from coinfer_ros.tools.doctoring.finding import Finding, Status

PEER = "coinfer_ros.nodes.peer"
MEETING_S = 6.0
LOOKING_S = 2.0
# A start of Python and of ROS on a slow board.
START_S = 4.0
# Discovery between two processes takes some hundredths of a second; more than this is felt.
SLOW_S = 2.0
# Would let the twins meet elsewhere than on this machine.
ELSEWHERE = ("ROS_LOCALHOST_ONLY", "ROS_STATIC_PEERS", "ROS_DISCOVERY_SERVER")


def checks(environ: Mapping[str, str]) -> list[Check]:
    """Return the checks that start nodes."""
    return [
        Check(ros.AREA, "discovery", partial(_meeting, environ)),
        Check(ros.AREA, "nodes", partial(_nodes, environ)),
    ]


def _meeting(environ: Mapping[str, str]) -> Iterator[Finding]:
    if not ros.is_here():
        return
    kept = {name: value for name, value in environ.items() if name not in ELSEWHERE}
    domain = {"ROS_DOMAIN_ID": _free_domain(), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    twins = [_start(name, MEETING_S, {**kept, **domain}) for name in ("first", "second")]
    answers = [_answer(twin, MEETING_S) for twin in twins]
    yield Finding(ros.AREA, "discovery", *_verdict(answers))


def _verdict(answers: Sequence[Mapping[str, object]]) -> tuple[Status, str, str]:
    """Return status, words and remedy for what the twins said."""
    for answer in answers:
        if "error" in answer:
            return Status.FAULT, f"a node does not start: {answer['error']}", ""
    matched, heard = (
        [value for answer in answers if isinstance(value := answer[key], float)]
        for key in ("matched_s", "first_message_s")
    )
    if len(matched) < len(answers):
        words = f"two processes of this machine did not find each other within {MEETING_S:g} s"
        return Status.FAULT, f"{words}; a firewall may hold up multicast (UDP 7400 and on)", ""
    if len(heard) < len(answers):
        words = f"two processes found each other and got no data within {MEETING_S:g} s: shared "
        return Status.FAULT, f"{words}memory of ended nodes may be in the way", "fastdds shm clean"
    # The one that came first waited for the other to come at all.
    words = f"two processes found each other in {min(matched):.3f} s and had the first message "
    words += f"after {min(heard):.3f} s ({answers[0]['rmw']})"
    return Status.GOOD if min(heard) < SLOW_S else Status.LIMITED, words, ""


def _nodes(environ: Mapping[str, str]) -> Iterator[Finding]:
    if not ros.is_here():
        return
    answer = _answer(_start("look", LOOKING_S, environ), LOOKING_S)
    found = answer.get("nodes")
    if not isinstance(found, list):
        return  # the twins say why
    twice = [name for name, count in Counter(found).items() if count > 1]
    domain = environ.get("ROS_DOMAIN_ID") or "0"
    words = f"on domain {domain}: {', '.join(dict.fromkeys(found)) or 'no other now'}"
    if twice:
        words += f"; more than one is called {', '.join(twice)}"
    status = Status.LIMITED if twice else Status.GOOD
    yield Finding(ros.AREA, "nodes", status, words)


def _start(role: str, timeout_s: float, environ: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", PEER, role, "--timeout-s", f"{timeout_s:g}"],
        cwd=Path(coinfer_ros.__file__).parent.parent,  # that -m finds this package and no other
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _answer(process: subprocess.Popen[str], timeout_s: float) -> Mapping[str, object]:
    """Return what a peer printed; only ``error`` where it printed none."""
    try:
        out, errors = process.communicate(timeout=timeout_s + START_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return {"error": f"no answer within {timeout_s + START_S:g} s"}
    with contextlib.suppress(ValueError):
        answer = json.loads(out)
        if isinstance(answer, dict):
            return answer
    lines = [line for line in errors.splitlines() if line.strip()]
    return {"error": lines[-1][:200] if lines else f"status {process.returncode}"}


def _free_domain() -> str:
    """Return a domain on which no participant of this machine listens.

    The first one's port is 7410 + 250 * domain (DDSI-RTPS 2.2, 9.6.1.1).
    """
    for domain in range(ros.HIGHEST_DOMAIN, 0, -1):
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with probe, contextlib.suppress(OSError):
            probe.bind(("0.0.0.0", 7410 + 250 * domain))  # noqa: S104 - where DDS binds too
            return str(domain)
    return str(ros.HIGHEST_DOMAIN)
