# SPDX-License-Identifier: Apache-2.0
"""Node ``seeker``: finds a named thing by the robot's answers, and drives to it."""

from __future__ import annotations

from geometry_msgs.msg import Twist
from nav_msgs.msg import Odometry
from rclpy.exceptions import InvalidServiceNameException
from rclpy.validate_topic_name import validate_topic_name
from std_msgs.msg import String

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.msg import Answer
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.epochs import Epochs, of_header, seconds
from coinfer_ros.nodes.odometry import message_to_pose
from coinfer_ros.nodes.prompting import Prompting
from coinfer_ros.parameters import SeekerSettings
from coinfer_ros.sim.arena.arena import Pose
from coinfer_ros.sim.task.lookouts import read_lookouts
from coinfer_ros.sim.task.policy import Manners, Phase, Seeker
from coinfer_ros.sim.task.question import question, read_answer

COMMANDS_A_SECOND = 20.0
# Words about the image itself; a stale text is about an earlier one.
OF_THE_IMAGE = (Answer.SOURCE_EDGE, Answer.SOURCE_LOCAL)
SEVERAL = 5  # answers, after which something is wrong when none could be read


class SeekerNode(CoinferNode[SeekerSettings]):
    """Hears answers and odometry, drives at a steady pace of ROS time; no thread of its own."""

    kind = SeekerSettings

    def configure(self) -> None:
        """Make the question; a thing that no model was taught is refused here."""
        settings = self.settings
        self._question = question(settings.thing)
        self._lookouts = read_lookouts(settings.lookouts)
        try:
            validate_topic_name(f"{settings.robot_node}/set_parameters", is_service=True)
        except InvalidServiceNameException as error:
            raise InvalidInput(
                f"robot.node must be a node's name, got {settings.robot_node[:64]!r}"
            ) from error

    def activate(self) -> None:
        """Have the robot ask the question, and begin to search."""
        self._unheard, self._refused = 0, 0
        self._commands = self.create_publisher(Twist, "cmd_vel", qos.MOTION)
        self.active.callback(self.destroy_publisher, self._commands)
        self._phases = self.create_publisher(String, "~/phase", qos.PHASE)
        self.active.callback(self.destroy_publisher, self._phases)
        self._begin()
        self._prompting = Prompting(self, self.settings.robot_node, self._question, self.active)
        epochs = Epochs(self, began=self._begin, held=self.active)
        for kind, topic, callback, stamp, profile in (
            (Answer, "answer", self._on_answer, lambda answer: answer.stamp, qos.ANSWER),
            (Odometry, "odom", self._on_odometry, of_header, qos.SENSOR),
        ):
            heard = epochs.of_now(callback, stamp)
            subscription = self.create_subscription(kind, topic, heard, profile)
            self.active.callback(self.destroy_subscription, subscription)
        timer = self.create_timer(1.0 / COMMANDS_A_SECOND, self._drive)
        self.active.callback(self.destroy_timer, timer)
        self.active.callback(lambda: self._commands.publish(Twist()))  # the first of all: stop

    def settings_changed(self) -> None:
        """Drive in the new manners from now on."""
        self._seeker.manners = self._manners()

    def describe(self) -> str:
        """Say what is sought."""
        return f"looks for the {self.settings.thing}"

    def diagnose(self) -> dict[str, object]:
        """Say how far the search is and what became of answers."""
        return {
            "object": self.settings.thing,
            "phase": self._seeker.phase.value,
            "answers": self._seeker.answers,
            "stale": self._seeker.stale,
            "unread": self._seeker.unread,
            "unheard": self._unheard,
            "odometry_refused": self._refused,
            "warning": self._prompting.problem or self._warning(),
        }

    def _warning(self) -> str:
        if self._odometry is None:
            return "no odometry yet"
        answers = self._seeker.answers
        if answers >= SEVERAL and self._seeker.unread == answers:
            return f"of {answers} answers none is one to the question: was the model taught it?"
        return ""

    def _begin(self) -> None:
        """Begin the search: at first, and when the room does."""
        self._seeker = Seeker(self._manners(), self._lookouts)
        self._odometry: Pose | None = None
        self._told: Phase | None = None
        self._tell()

    def _manners(self) -> Manners:
        settings = self.settings
        return Manners(
            search_rad_s=settings.search_rad_s,
            steer_rad_s=settings.steer_rad_s,
            forward_m_s=settings.forward_m_s,
            stale_s=settings.stale_s,
            lost_after=settings.lost_after,
            confirmations=settings.confirmations,
        )

    def _on_answer(self, answer: Answer) -> None:
        fresh = answer.source in OF_THE_IMAGE and answer.status != Answer.CANCELLED
        if not fresh:
            self._unheard += 1
            return
        self._seeker.hear(
            read_answer(answer.text), image_s=seconds(answer.stamp), now_s=self._now_s()
        )
        self._tell()

    def _on_odometry(self, message: Odometry) -> None:
        try:
            self._odometry = message_to_pose(message)
        except InvalidInput as error:
            self._refused += 1
            self.get_logger().error(f"odom refused: {error}", throttle_duration_sec=1.0)

    def _drive(self) -> None:
        if self._odometry is None:
            return
        wanted = self._seeker.drive(self._odometry, self._now_s())
        twist = Twist()
        twist.linear.x, twist.angular.z = wanted.forward_m_s, wanted.turn_rad_s
        self._commands.publish(twist)
        self._tell()

    def _tell(self) -> None:
        """Say what the search has come to, once."""
        phase = self._seeker.phase
        if phase is self._told:
            return
        self._told = phase
        self._phases.publish(String(data=phase.value))
        found = phase is Phase.FOUND
        what = f"found the {self.settings.thing}" if found else phase.value
        self.get_logger().info(f"{what} at {self._now_s():.2f} s")

    def _now_s(self) -> float:
        return self.get_clock().now().nanoseconds * 1e-9


def main() -> None:
    """Run the node."""
    run(SeekerNode, "seeker")
