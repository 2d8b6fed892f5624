# SPDX-License-Identifier: Apache-2.0
"""The graph on a robot that is not ours, as data: a Turtlebot, one in Gazebo or in a room here."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from coinfer_ros import resources
from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.gazebo_camera import check_camera
from coinfer_ros.graph import (
    DEMO_ARGUMENTS,
    EDGE_ARGUMENTS,
    LINK_ARGUMENTS,
    MODEL,
    NAMESPACE,
    ROBOT_ARGUMENTS,
    SOURCE,
    TRANSPORT,
    Argument,
    NodeSpec,
    edge_graph,
    robot_graph,
)

WORLD = Argument("world", "one_room", "World by the name of a shipped one, or an SDF file.")
HEADLESS = Argument("headless", "false", "true: Gazebo without a window, drawing off screen.")
OBJECT = Argument("object", "red cube", "What the robot is to find: a colour and a shape.")
EDGE = Argument(
    "edge", "true", "Start the edge here too; false where another host does (edge.launch.py)."
)
LOOKOUTS = Argument(
    "lookouts", "", "Places to search from (task.lookouts of the seeker); empty: the world's own."
)

TAUGHT = Argument(
    "model", "models/blip2-rooms", "Checkpoint folder that was taught the task's question."
)

# Images come from the robot's own driver or from the bridge, and the model is another one.
_REPLACED = (SOURCE, MODEL)
SEEKER_ARGUMENTS = (OBJECT, LOOKOUTS, TAUGHT, *(a for a in ROBOT_ARGUMENTS if a not in _REPLACED))
_OF_BOTH_HOSTS = (TAUGHT, *(a for a in DEMO_ARGUMENTS if a not in _REPLACED))
GAZEBO_ARGUMENTS = (
    WORLD,
    HEADLESS,
    OBJECT,
    LOOKOUTS,
    EDGE,
    *_OF_BOTH_HOSTS,
)

ROOM = Argument("world", "one_room", "Room to drive in: one_room, two_rooms, or random.")
SEED = Argument("seed", "0", "Which room a random one is.")
SIMULATION_ARGUMENTS = (
    ROOM,
    SEED,
    OBJECT,
    LOOKOUTS,
    EDGE,
    *_OF_BOTH_HOSTS,
)


@dataclass(frozen=True)
class Gazebo:
    """What runs the world, and what takes its topics to ROS.

    :param world: SDF file.
    :param headless: without a window.
    :param bridge: configuration of ros_gz_bridge.
    :param namespace: of the robot's topics in ROS; empty: the root.
    :param warning: why the robot may get no image; empty: it has a camera.
    """

    world: Path
    headless: bool
    bridge: Path
    namespace: str
    warning: str = ""

    @property
    def arguments(self) -> str:
        """What ``gz sim`` is started with, for a shell: it runs at once."""
        off_screen = ("-s", "--headless-rendering") if self.headless else ()
        return shlex.join(("-r", *off_screen, str(self.world)))


def seeker_graph(given: Mapping[str, str]) -> tuple[NodeSpec, ...]:
    """Return the nodes of the robot's host, without a camera, and the seeker that drives it.

    :param given: arguments of ``SEEKER_ARGUMENTS`` by name, as text; the rest take their defaults.
    :raises InvalidInput: for an unknown argument or one that breaks its rule.
    """
    _check(given, SEEKER_ARGUMENTS)
    given = _taught(given)
    nodes = robot_graph(_of(given, ROBOT_ARGUMENTS))
    robot = [node for node in nodes if node.executable != "camera"]
    task = {"task.object": _text(given, OBJECT), "task.lookouts": _text(given, LOOKOUTS)}
    seeker = NodeSpec(
        "seeker", "seeker", task, _text(given, NAMESPACE), transport=_text(given, TRANSPORT)
    )
    return (*robot, seeker)


def gazebo_graph(given: Mapping[str, str]) -> tuple[NodeSpec, ...]:
    """Return the nodes of both hosts, or the robot's, and the seeker, in Gazebo's time.

    :param given: arguments of ``GAZEBO_ARGUMENTS`` by name, as text.
    :raises InvalidInput: for an unknown argument or one that breaks its rule.
    """
    _check(given, GAZEBO_ARGUMENTS)
    given = _taught(given)
    here = _of(given, SEEKER_ARGUMENTS)
    world = _text(given, WORLD)
    if not _text(given, LOOKOUTS) and not _is_path(world):
        here["lookouts"] = world
    return _in_simulated_time(seeker_graph(here) + _edge(given))


def simulation_graph(given: Mapping[str, str]) -> tuple[NodeSpec, ...]:
    """Return a simulated room, the nodes of both hosts, or the robot's, and the seeker.

    All run in the room's time.

    :param given: arguments of ``SIMULATION_ARGUMENTS`` by name, as text.
    :raises InvalidInput: for an unknown argument or one that breaks its rule.
    """
    _check(given, SIMULATION_ARGUMENTS)
    world, seed = _text(given, ROOM), _text(given, SEED)
    if not seed.isdecimal():
        raise InvalidInput(f"seed must be a whole number of at least 0, got {seed!r}")
    given = _taught(given)
    here = _of(given, SEEKER_ARGUMENTS)
    if not _text(given, LOOKOUTS):
        here["lookouts"] = f"random {seed}" if world == "random" else world
    room = NodeSpec(
        "simulator",
        "simulator",
        {"world.name": world, "world.seed": int(seed)},
        _text(given, NAMESPACE),
        transport=_text(given, TRANSPORT),
    )
    return _in_simulated_time((room, *seeker_graph(here), *_edge(given)))


def gazebo(given: Mapping[str, str]) -> Gazebo:
    """Return what else is to be started.

    :param given: arguments of ``GAZEBO_ARGUMENTS`` by name, as text.
    :raises InvalidInput: for an unknown argument or one that breaks its rule: a world has a camera.
    :raises Unavailable: when there is no such world; names the shipped ones.
    """
    _check(given, GAZEBO_ARGUMENTS)
    world, bridge = _world(_text(given, WORLD)), resources.path("config/gazebo/bridge.yaml")
    return Gazebo(
        world,
        _flag(given, HEADLESS),
        bridge,
        _text(given, NAMESPACE),
        check_camera(world, bridge),
    )


def _edge(given: Mapping[str, str]) -> tuple[NodeSpec, ...]:
    """Return the nodes of the edge's host where it is this one."""
    if _flag(given, EDGE):
        return edge_graph(_of(given, EDGE_ARGUMENTS))
    for argument in LINK_ARGUMENTS:
        if value := _text(given, argument):
            raise InvalidInput(
                f"{argument.name} must be given to edge.launch.py where edge is false, "
                f"got {value!r} here"
            )
    return ()


def _taught(given: Mapping[str, str]) -> dict[str, str]:
    return {TAUGHT.name: TAUGHT.default, **given}


def _world(value: str) -> Path:
    folder = resources.path("worlds")
    if _is_path(value):
        file = Path(value).expanduser().absolute()
    else:
        file = folder / value / f"{value}.sdf"
    if not file.is_file():
        shipped = ", ".join(sorted(path.stem for path in folder.glob("*/*.sdf")))
        raise Unavailable(f"world must be an SDF file or one of {shipped}, got {value!r}")
    return file


def _in_simulated_time(nodes: tuple[NodeSpec, ...]) -> tuple[NodeSpec, ...]:
    return tuple(
        replace(node, parameters={**node.parameters, "use_sim_time": True}) for node in nodes
    )


def _is_path(world: str) -> bool:
    return "/" in world or world.endswith(".sdf")


def _check(given: Mapping[str, str], arguments: tuple[Argument, ...]) -> None:
    names = [argument.name for argument in arguments]
    if unknown := sorted(set(given) - set(names)):
        raise InvalidInput(f"arguments must be among {', '.join(names)}, got {', '.join(unknown)}")


def _of(given: Mapping[str, str], arguments: tuple[Argument, ...]) -> dict[str, str]:
    names = {argument.name for argument in arguments}
    return {name: value for name, value in given.items() if name in names}


def _text(given: Mapping[str, str], argument: Argument) -> str:
    return given.get(argument.name, argument.default)


def _flag(given: Mapping[str, str], argument: Argument) -> bool:
    value = _text(given, argument)
    if value not in ("true", "false"):
        raise InvalidInput(f"{argument.name} must be true or false, got {value!r}")
    return value == "true"
