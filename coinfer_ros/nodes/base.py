# SPDX-License-Identifier: Apache-2.0
"""The lifecycle that all nodes share: refuse with a reason, log every error, release in reverse."""

from __future__ import annotations

import gc
import signal
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, ClassVar, Generic, TypeVar

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.signals import SignalHandlerOptions

from coinfer_ros.core.errors import CoinferError
from coinfer_ros.nodes.declare import Parameters
from coinfer_ros.nodes.steady import steady_timer

S = TypeVar("S")
DIAGNOSTICS_PERIOD_S = 1.0
# A signal is noticed between two waits of the executor.
LONGEST_WAIT_S = 0.2


class CoinferNode(LifecycleNode, Generic[S]):  # type: ignore[misc]
    """A node fills ``configure`` and ``activate``; both may raise.

    What they acquire goes on ``self.configured`` or ``self.active`` and is released in reverse on
    every way out. rclpy swallows an exception in a transition; this class logs it.
    """

    kind: ClassVar[type]

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self.configured = ExitStack()
        self.active = ExitStack()
        self._is_configured = False
        self._refusal = ""  # why the last transition was refused
        self._declared: Parameters[S] = Parameters(
            self, self.kind, configured=lambda: self._is_configured, changed=self._change
        )
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        steady_timer(self, DIAGNOSTICS_PERIOD_S, self._publish_diagnostics)
        self.settings: S

    @property
    def ends_when_refused(self) -> bool:
        """True when the process is to end where the node refuses to start."""
        name = "exit_on_refusal"
        return self.has_parameter(name) and self.get_parameter(name).value is True

    @property
    def is_active(self) -> bool:
        """True between activate and deactivate."""
        return bool(self._state_machine.current_state[1] == "active")

    def configure(self) -> None:
        """Validate ``self.settings`` and what they point to; raise to refuse."""

    def activate(self) -> None:
        """Load, warm up and begin; raise to stay inactive."""

    def settings_changed(self) -> None:
        """React to live settings of an active node; ``self.settings`` are the new ones."""

    def describe(self) -> str:
        """Return in a few words what an active node runs on, for its log; empty: nothing to say."""
        return ""

    def diagnose(self) -> dict[str, object]:
        """Return what /diagnostics says of an active node; key ``warning`` raises the level."""
        return {}

    def autostart(self) -> bool:
        """Configure and activate, unless the parameter ``autostart`` says no.

        :returns: false when a transition was refused.
        """
        wanted = self.get_parameter("autostart").value
        if wanted is False:
            return True
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()
        return not self._refusal

    def release(self) -> None:
        """Give back all that is held, the newest first."""
        self._is_configured = False
        self._close(self.active)
        self._close(self.configured)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: ARG002, D102
        return self._attempt("configure", self._read_and_configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: D102
        result = self._attempt("activate", self.activate)
        return result if result != TransitionCallbackReturn.SUCCESS else super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: D102
        self._close(self.active)
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: ARG002, D102
        self.release()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: ARG002, D102
        self.release()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: ARG002, D102
        self.release()
        return TransitionCallbackReturn.SUCCESS

    def _read_and_configure(self) -> None:
        self.settings = self._declared.read()
        self.configure()
        self._is_configured = True

    def _attempt(self, what: str, step: Any) -> TransitionCallbackReturn:
        try:
            step()
        except CoinferError as error:
            self._refusal = f"{what} refused: {error}"
            mend = f"mend it, then: ros2 lifecycle set {self.get_fully_qualified_name()} {what}"
            self.get_logger().error(f"{self._refusal}; {mend}")
        except Exception as error:
            self._refusal = f"{what} failed: {error!r}"
            self.get_logger().error(f"{what} failed:\n{traceback.format_exc()}")
        else:
            self._refusal = ""
            about = self.describe() if what == "activate" else ""
            self.get_logger().info(f"{what}d: {about}" if about else f"{what}d")
            return TransitionCallbackReturn.SUCCESS
        self._close(self.active)
        if what == "configure":
            self._close(self.configured)
        return TransitionCallbackReturn.FAILURE

    def _close(self, held: ExitStack) -> None:
        try:
            held.close()
        except Exception:
            self.get_logger().error(traceback.format_exc())

    def _change(self, settings: S) -> None:
        self.settings = settings
        if self.is_active:
            self.settings_changed()

    def _publish_diagnostics(self) -> None:
        values = self.diagnose() if self.is_active else {}
        warning = str(values.pop("warning", ""))
        level = DiagnosticStatus.OK if self.is_active else DiagnosticStatus.WARN
        if self._refusal:
            level = DiagnosticStatus.ERROR
        elif warning:
            level = DiagnosticStatus.WARN
        status = DiagnosticStatus(
            level=level,
            name=self.get_fully_qualified_name(),
            message=self._refusal or warning or str(self._state_machine.current_state[1]),
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)


def run(
    node_class: type[CoinferNode[Any]],
    name: str,
    *,
    executor: Callable[[], Executor] = SingleThreadedExecutor,
) -> int:
    """Run one node in this process until it is asked to end: SIGINT, SIGTERM, SIGHUP, SIGQUIT.

    :returns: the exit status: 1 when the node refused to start and has a setting
        ``exit_on_refusal`` that is true, for a service manager that tries again.

    rclpy's own handlers would end the context under the node's hands; here the node first gives
    back what it holds, clocks above all.
    """
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, lambda number, _: asked.append(number))
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = node_class(name)
    spinner = executor()
    spinner.add_node(node)
    try:
        if not node.autostart() and node.ends_when_refused:
            return 1
        while not asked:
            try:
                spinner.spin_once(timeout_sec=LONGEST_WAIT_S)
            except Exception:
                # rclpy lets a callback's exception out of the spin; one bad message must not end
                # the node.
                node.get_logger().error(
                    f"a callback failed:\n{traceback.format_exc()}", throttle_duration_sec=1.0
                )
    finally:
        node.release()
        spinner.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
        # The interpreter's last collection walks through all of torch for a second; nothing is left
        # that it would have to close.
        gc.freeze()
    return 0
