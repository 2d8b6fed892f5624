# SPDX-License-Identifier: Apache-2.0
"""Messages to records and back; nothing of a message is used before it is checked."""

from coinfer_ros.nodes.convert.beats import message_to_beat, message_to_cuts
from coinfer_ros.nodes.convert.embeddings import Asked, embedding_to_message, message_to_asked
from coinfer_ros.nodes.convert.evidence import answer_to_trace, message_to_measured, unknown_answer
from coinfer_ros.nodes.convert.images import image_to_rgb, rgb_to_image
from coinfer_ros.nodes.convert.plans import check_plan
from coinfer_ros.nodes.convert.texts import (
    LONGEST_NAME_BYTES,
    LONGEST_PROMPT_BYTES,
    LONGEST_REASON,
    check_name,
    check_text,
)

__all__ = [
    "LONGEST_NAME_BYTES",
    "LONGEST_PROMPT_BYTES",
    "LONGEST_REASON",
    "Asked",
    "answer_to_trace",
    "check_name",
    "check_plan",
    "check_text",
    "embedding_to_message",
    "image_to_rgb",
    "message_to_asked",
    "message_to_beat",
    "message_to_cuts",
    "message_to_measured",
    "rgb_to_image",
    "unknown_answer",
]
