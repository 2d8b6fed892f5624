# SPDX-License-Identifier: Apache-2.0
"""Turns a settings class into ROS parameters and back, with reasons on refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.settings import Setting, build, declared

S = TypeVar("S")


class Parameters(Generic[S]):
    """The ROS parameters of one node.

    Values are checked here and not by ROS: a wrong one then never stops the process, it is refused
    at configure or at ``ros2 param set`` with the rule and what came.

    :param node: the node that declares them.
    :param kind: the settings class.
    :param configured: says whether the node is configured, when only live settings may change.
    :param changed: called with the new settings after a live change.
    """

    def __init__(
        self,
        node: Node,
        kind: type[S],
        *,
        configured: Callable[[], bool],
        changed: Callable[[S], None],
    ) -> None:
        self._node, self._kind = node, kind
        self._configured, self._changed = configured, changed
        self._settings: dict[str, Setting] = {s.name: s for s in declared(kind)}
        for setting in self._settings.values():
            node.declare_parameter(setting.name, setting.default, _descriptor(setting))
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._apply)

    def read(self) -> S:
        """Return all settings.

        :raises InvalidInput: naming every unknown name and every value that breaks its rule.
        """
        # rclpy keeps the overrides that no declaration asked for, and ignores them in silence.
        overrides: dict[str, Parameter] = self._node._parameter_overrides
        stray = {
            name: overrides[name].value
            for name in overrides
            if not self._node.has_parameter(name) and not name.startswith("qos_overrides.")
        }
        return build(self._kind, stray | self._values())

    def _values(self) -> dict[str, object]:
        return {name: self._node.get_parameter(name).value for name in self._settings}

    def _check(self, parameters: list[Parameter]) -> SetParametersResult:
        try:
            for parameter in parameters:
                setting = self._settings.get(parameter.name)
                if setting is None:
                    continue  # ROS's own, such as use_sim_time
                setting.check(parameter.value)
                if self._configured() and not setting.live:
                    raise InvalidInput(
                        f"{setting.name} must stay while the node is configured "
                        f"(ros2 lifecycle set {self._node.get_fully_qualified_name()} cleanup), "
                        f"got {parameter.value!r}"
                    )
        except InvalidInput as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _apply(self, parameters: list[Parameter]) -> None:
        if self._configured() and any(p.name in self._settings for p in parameters):
            self._changed(self.read())


def _descriptor(setting: Setting) -> ParameterDescriptor:
    return ParameterDescriptor(
        description=setting.description,
        additional_constraints=setting.rule
        + ("; may change while running" if setting.live else "; fixed once configured"),
        # Types are checked with our own message, and 1 is as good as 1.0.
        dynamic_typing=True,
    )
