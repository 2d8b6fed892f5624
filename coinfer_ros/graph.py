# SPDX-License-Identifier: Apache-2.0
"""The graph as data: which nodes run, with which parameters, and the arguments that vary them.

launch/ turns it into launch_ros actions, ``coinfer demo`` into processes, tests into nodes of one
process: what one of them starts is what all of them start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.settings import declared
from coinfer_ros.link_topics import behind_link, crossing
from coinfer_ros.parameters import ImpairedLinkSettings

Value = bool | int | float | str


@dataclass(frozen=True)
class Argument:
    """One argument of a graph.

    :param name: as on the command line.
    :param default: used when it is not given, always as text.
    :param description: one sentence for people.
    """

    name: str
    default: str
    description: str


@dataclass(frozen=True)
class NodeSpec:
    """One node to start.

    :param executable: in lib/coinfer_ros, and the name of its file in config/.
    :param name: name in the ROS graph.
    :param parameters: what differs from the file in config/.
    :param namespace: of its node and of what a robot has for itself; empty: the root.
    :param transport: Fast DDS profile, by path or by a shipped one's name; empty: as it is.
    :param remappings: full names of topics to what they are called instead.
    """

    executable: str
    name: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    namespace: str = ""
    transport: str = ""
    remappings: Mapping[str, str] = field(default_factory=dict)

    @property
    def config(self) -> str:
        """The node's parameter file, relative to the package's share."""
        return f"config/{self.executable}.yaml"


MODEL = Argument("model", "models/git-scenes", "Checkpoint folder, the same on both hosts.")
ROBOT_BOARD = Argument("robot_board", "jetson_agx_orin", "The robot's board file or name.")
EDGE_BOARD = Argument("edge_board", "rtx_3090", "The edge's board file or name.")
SOURCE = Argument("source", "media/scenes.mp4", "Camera device, URL, video file or folder.")
DELAY_S = Argument("delay_s", "0.35", "Delay budget of an answer, s.")
ENERGY_J = Argument("energy_j", "6.0", "Energy budget of an answer, both machines above idle, J.")
HEAD_FLOP = Argument("head_flop", "212.27e9", "Work of one image on the robot, FLOP.")
TAIL_FLOP = Argument("tail_flop", "183.13e9", "Work of one image on the edge, FLOP.")
_BACKEND = "simulated, nvml, jetson, cpu or none (docs/devices.md)"
ROBOT_BACKEND = Argument("robot_backend", "simulated", f"What the robot is: {_BACKEND}.")
EDGE_BACKEND = Argument("edge_backend", "simulated", f"What the edge is: {_BACKEND}.")
DEVICE = Argument(
    "device", "true", "Start a device node; false where a service runs it (config/system)."
)
ROBOT_PROFILE = Argument(
    "robot_profile", "", "What coinfer calibrate wrote on the robot; empty: its board file."
)
EDGE_PROFILE = Argument("edge_profile", "", "The same of the edge.")
ROBOT_ID = Argument("robot_id", "robot", "The robot's name, unique at its edges.")
NAMESPACE = Argument(
    "namespace", "", "Namespace of the robot's nodes, where several robots share a ROS domain."
)
EDGES = Argument("edges", "edge", "Edges that may answer, by name, separated by commas.")
EDGE_ID = Argument("edge_id", "edge", "The edge's name, the first part of its topics' names.")
CUT = Argument("cut", "", "Where the model is cut, the same on both hosts; several by commas.")
FALLBACK_MODEL = Argument(
    "fallback_model",
    "",
    "Small checkpoint that answers while no edge does; empty: the last answer.",
)
TRANSPORT = Argument(
    "transport",
    "",
    "Fast DDS profile, the same on both hosts: wifi_udp on Wi-Fi (docs/transport.md); empty: none.",
)
ENGINE = Argument("engine", "", "Server that runs the edge's half: kserve://host:port/model.")

_LINK_SETTINGS = {
    setting.name.replace(".", "_"): setting
    for setting in declared(ImpairedLinkSettings)
    if setting.name.startswith("link.") and not isinstance(setting.default, bool)
}
LINK_ARGUMENTS = tuple(
    Argument(name, "", f"Impaired link to the edge: {setting.description} Empty: no such thing.")
    for name, setting in _LINK_SETTINGS.items()
)

TIMEOUT_S = Argument("timeout_s", "2.0", "Time after which a request is given up, s.")

ROBOT_ARGUMENTS = (
    MODEL,
    SOURCE,
    CUT,
    ROBOT_ID,
    NAMESPACE,
    TRANSPORT,
    EDGES,
    FALLBACK_MODEL,
    ROBOT_BOARD,
    EDGE_BOARD,
    ROBOT_BACKEND,
    DEVICE,
    ROBOT_PROFILE,
    EDGE_PROFILE,
    HEAD_FLOP,
    TAIL_FLOP,
    DELAY_S,
    ENERGY_J,
    TIMEOUT_S,
)
EDGE_ARGUMENTS = (
    MODEL,
    CUT,
    EDGE_ID,
    TRANSPORT,
    ENGINE,
    EDGE_BOARD,
    EDGE_BACKEND,
    DEVICE,
    TAIL_FLOP,
    *LINK_ARGUMENTS,
)
DEMO_ARGUMENTS = (*ROBOT_ARGUMENTS, EDGE_ID, ENGINE, EDGE_BACKEND, *LINK_ARGUMENTS)


class _Values:
    """The arguments that were given, checked, over the defaults."""

    def __init__(self, given: Mapping[str, str], arguments: tuple[Argument, ...]) -> None:
        names = tuple(argument.name for argument in arguments)
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise InvalidInput(
                f"arguments must be among {', '.join(names)}, got {', '.join(unknown)}"
            )
        self._given = given

    def text(self, argument: Argument) -> str:
        return self._given.get(argument.name, argument.default)

    def flag(self, argument: Argument) -> bool:
        value = self.text(argument)
        if value not in ("true", "false"):
            raise InvalidInput(f"{argument.name} must be true or false, got {value!r}")
        return value == "true"

    def number(self, argument: Argument) -> float:
        value = self.text(argument)
        try:
            return float(value)
        except ValueError as error:
            raise InvalidInput(f"{argument.name} must be a number, got {value!r}") from error


def robot_graph(given: Mapping[str, str]) -> tuple[NodeSpec, ...]:
    """Return the nodes of the robot's host: camera, robot, its device, and the controller.

    :param given: arguments of ``ROBOT_ARGUMENTS`` by name, as text; the rest take their defaults.
    :raises InvalidInput: for an unknown argument or one that is no number where it must be.
    """
    values = _Values(given, ROBOT_ARGUMENTS)
    robot: dict[str, Value] = {
        "model.path": values.text(MODEL),
        "split.cut": values.text(CUT),
        "robot.id": values.text(ROBOT_ID),
        "link.edges": values.text(EDGES),
        "fallback.model": values.text(FALLBACK_MODEL),
        "board.file": values.text(ROBOT_BOARD),
        "device.backend": values.text(ROBOT_BACKEND),
        "workload.head_flop": values.number(HEAD_FLOP),
        "link.timeout_s": values.number(TIMEOUT_S),
    }
    controller: dict[str, Value] = {
        "model.path": values.text(MODEL),
        "split.cut": values.text(CUT),
        "robot.id": values.text(ROBOT_ID),
        "link.edges": values.text(EDGES),
        "robot.board_file": values.text(ROBOT_BOARD),
        "edge.board_file": values.text(EDGE_BOARD),
        "robot.profile": values.text(ROBOT_PROFILE),
        "edge.profile": values.text(EDGE_PROFILE),
        "workload.head_flop": values.number(HEAD_FLOP),
        "workload.tail_flop": values.number(TAIL_FLOP),
        "budget.delay_s": values.number(DELAY_S),
        "budget.energy_j": values.number(ENERGY_J),
    }
    nodes = (
        NodeSpec("camera", "camera", {"camera.source": values.text(SOURCE)}),
        NodeSpec("robot", "robot", robot),
        *_device("robot", values, ROBOT_BOARD, ROBOT_BACKEND),
        NodeSpec("controller", "controller", controller),
    )
    return tuple(
        replace(node, namespace=values.text(NAMESPACE)) for node in _carried(values, nodes)
    )


def edge_graph(given: Mapping[str, str]) -> tuple[NodeSpec, ...]:
    """Return the nodes of the edge's host: edge, its device, and an impaired link before both.

    :param given: arguments of ``EDGE_ARGUMENTS`` by name, as text; the rest take their defaults.
    :raises InvalidInput: for an unknown argument or one that breaks its rule.
    """
    values = _Values(given, EDGE_ARGUMENTS)
    name = values.text(EDGE_ID)
    edge: dict[str, Value] = {
        "edge.id": name,
        "model.path": values.text(MODEL),
        "split.cut": values.text(CUT),
        "engine.url": values.text(ENGINE),
        "board.file": values.text(EDGE_BOARD),
        "device.backend": values.text(EDGE_BACKEND),
        "workload.tail_flop": values.number(TAIL_FLOP),
    }
    nodes = (NodeSpec("edge", name, edge), *_device("edge", values, EDGE_BOARD, EDGE_BACKEND))
    return _carried(values, _behind_link(values, nodes))


def demo_graph(given: Mapping[str, str]) -> tuple[NodeSpec, ...]:
    """Return the nodes of both hosts, on one machine.

    :param given: arguments of ``DEMO_ARGUMENTS`` by name, as text.
    :raises InvalidInput: for an unknown argument or one that is no number where it must be.
    """
    at_robot, at_edge = (
        {name: value for name, value in given.items() if name in names}
        for names in (_names(ROBOT_ARGUMENTS), _names(EDGE_ARGUMENTS))
    )
    _Values(given, DEMO_ARGUMENTS)
    return robot_graph(at_robot) + edge_graph(at_edge)


def _names(arguments: tuple[Argument, ...]) -> set[str]:
    return {argument.name for argument in arguments}


def _carried(values: _Values, nodes: tuple[NodeSpec, ...]) -> tuple[NodeSpec, ...]:
    return tuple(replace(node, transport=values.text(TRANSPORT)) for node in nodes)


def _behind_link(values: _Values, nodes: tuple[NodeSpec, ...]) -> tuple[NodeSpec, ...]:
    """Put an edge's nodes behind a link where an argument says what is wrong with it."""
    link = _link_parameters(values)
    if not link:
        return nodes
    name = values.text(EDGE_ID)
    behind = {topic: behind_link(topic) for topic in crossing(name)}
    hidden = tuple(replace(node, remappings=behind) for node in nodes)
    return (*hidden, NodeSpec("impaired_link", f"{name}_link", {"edge.id": name, **link}))


def _link_parameters(values: _Values) -> dict[str, Value]:
    """Return what is given of the link, checked as its node will check it.

    :raises InvalidInput: naming the argument, its rule and what came.
    """
    found: dict[str, Value] = {}
    for argument in LINK_ARGUMENTS:
        if values.text(argument):
            setting, value = _LINK_SETTINGS[argument.name], values.number(argument)
            whole = isinstance(setting.default, int) and value.is_integer()
            checked = replace(setting, name=argument.name).check(int(value) if whole else value)
            found[setting.name] = checked
    if "link.gone_from_s" in found and not found.get("link.gone_for_s"):
        raise InvalidInput(
            "link_gone_for_s must say for how long where link_gone_from_s is given, "
            f"got {found.get('link.gone_for_s', 'none')}"
        )
    return found


def _device(role: str, values: _Values, board: Argument, backend: Argument) -> list[NodeSpec]:
    if not values.flag(DEVICE):
        return []
    parameters: dict[str, Value] = {
        "device.role": role,
        "board.file": values.text(board),
        "device.backend": values.text(backend),
    }
    if role == "robot":
        return [NodeSpec("device", "robot_device", parameters)]
    name = values.text(EDGE_ID)
    return [NodeSpec("device", f"{name}_device", {**parameters, "edge.id": name})]
