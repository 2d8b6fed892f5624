# SPDX-License-Identifier: Apache-2.0
"""The whole system on a robot's and an edge's host, its nodes started and ended one by one."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType

from bench import process
from bench.hosts import nodes
from bench.hosts.heard import Ear
from bench.hosts.network import Network
from coinfer_ros import graph, locate
from coinfer_ros.adapters import board_file
from coinfer_ros.core.closing import Closing
from coinfer_ros.core.errors import PeerTimeout, Unavailable
from coinfer_ros.graph import Value
from coinfer_ros.sim.silicon import Silicon
from coinfer_ros.tools.processes import Processes

LOOK_S = 0.002
SET_S = 10.0
# The hosts' network is their own: nobody else is on this domain.
ENVIRONMENT = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET", "ROS_DOMAIN_ID": "0"}
NOTHING: Mapping[str, Mapping[str, Value]] = MappingProxyType({})


class System(Closing):
    """The nodes of ``robot_graph`` and ``edge_graph``, and a recorder on the robot's host.

    Leaving the ``with`` block ends them all. Hosts are named ``robot`` and ``edge``.

    :param folder: where logs, parameters and the boards' states go.
    :param given: arguments of the two graphs by name, as text.
    :param parameters: by node name: what differs from the graph's.
    :ivar ear: all that the recorder has told.
    :ivar names: the names of each host's nodes, the recorder's not among them.
    :ivar boards: each host's simulated board, looked at from outside.
    """

    def __init__(
        self,
        network: Network,
        folder: Path,
        given: Mapping[str, str] = MappingProxyType({}),
        parameters: Mapping[str, Mapping[str, Value]] = NOTHING,
    ) -> None:
        self._specs = nodes.specs(given, folder / "boards", parameters)
        self.names = {host: tuple(specs) for host, specs in self._specs.items()}
        self._hosts = {"robot": network.robot, "edge": network.edge}
        self.boards = {
            "robot": _board(given.get("robot_board", graph.ROBOT_BOARD.default), folder, "robot"),
            "edge": _board(given.get("edge_board", graph.EDGE_BOARD.default), folder, "edge"),
        }
        with ExitStack() as opened:
            for board in self.boards.values():
                opened.callback(board.close)
            self._processes = {
                host: opened.enter_context(Processes(folder / host)) for host in self._hosts
            }
            with _environment():
                start = self._processes["robot"].start_piped
                self._commands, lines = network.robot.call(start, nodes.RECORDER)
            self.ear = Ear(lines)
            self.start(*self.names["robot"], *self.names["edge"])
            self._held = opened.pop_all()

    def start(self, *names: str) -> None:
        """Start nodes that do not run."""
        with _environment():
            for name in names:
                host = self._host(name)
                spec = self._specs[host][name]
                self._hosts[host].call(self._processes[host].start, [spec], {})

    def set(self, node: str, **parameters: Value) -> None:
        """Set parameters of a node, dots written as two underscores, and wait until it has.

        :raises Unavailable: with its reason when it refuses.
        """
        named = {name.replace("__", "."): value for name, value in parameters.items()}
        begun_s = time.monotonic()
        self._commands.write(json.dumps({"set": f"/{node}", "parameters": named}) + "\n")
        self._commands.flush()
        told = self.ear.first("set", lambda _: True, since_s=begun_s, timeout_s=SET_S).message
        if not told.done:
            raise Unavailable(f"{node} must take {named}, it says: {told.reason}")

    def run(self, host: str, *command: str) -> str:
        """Run a program on a host to its end and return what it printed.

        :raises Unavailable: with its last words when it fails.
        """
        with _environment():
            return self._hosts[host].run(*command)

    def pid(self, name: str) -> int:
        """Return the process id of a node, or of the recorder.

        :raises Unavailable: when it does not run.
        """
        return process.nodes([name])[name]

    def kill(self, *names: str) -> None:
        """End nodes as the system ends one without memory, and wait until they are gone."""
        for name in names:
            os.kill(self.pid(name), signal.SIGKILL)
        self.await_end(*names, timeout_s=10.0)

    def ended(self) -> dict[str, int]:
        """Return the exit statuses of the nodes that run no more."""
        both = self._processes.values()
        return {name: status for each in both for name, status in each.ended().items()}

    def await_end(self, *names: str, timeout_s: float) -> dict[str, float]:
        """Return when each of these nodes was seen to have ended, monotonic s.

        :raises PeerTimeout: naming those that still run after ``timeout_s``.
        """
        deadline_s = time.monotonic() + timeout_s
        seen_s: dict[str, float] = {}
        while left := set(names) - set(seen_s):
            if time.monotonic() > deadline_s:
                raise PeerTimeout(f"nodes must end within {timeout_s:g} s, got {sorted(left)} left")
            now = left & set(self.ended())
            seen_s.update(dict.fromkeys(now, time.monotonic()))
            time.sleep(LOOK_S)
        return seen_s

    def log(self, name: str) -> str:
        """Return what a node has logged since its start."""
        file = self._processes[self._host(name)].log(name)
        return file.read_text(encoding="utf-8", errors="replace")

    def refusals(self) -> dict[str, str]:
        """Return why nodes refused to start."""
        both = self._processes.values()
        return {name: why for each in both for name, why in each.refusals().items()}

    def close(self) -> None:
        """End them all."""
        self._held.close()

    def _host(self, name: str) -> str:
        return "edge" if name in self.names["edge"] else "robot"


def _board(name: str, folder: Path, host: str) -> Silicon:
    return Silicon(board_file.read(locate.board(name)), folder / "boards" / host / f"{host}.board")


@contextmanager
def _environment() -> Iterator[None]:
    """Have this in the environment, which nodes inherit, for a while."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        yield
    finally:
        os.environ.update({name: value for name, value in before.items() if value is not None})
        for name in (name for name, value in before.items() if value is None):
            del os.environ[name]
