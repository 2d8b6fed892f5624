# SPDX-License-Identifier: Apache-2.0
"""What the model cards say of each shipped model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Description:
    """The words of a card that differ from model to model.

    :param title: heading.
    :param family: architecture.
    :param loader: the library's class that loads it.
    :param pipeline: task name of the front matter.
    :param says: what it says, whole sentences.
    :param head: parts of the robot's half.
    :param tail: parts of the edge's half.
    :param unit: what one run of it looks at.
    :param things: what it is trained and scored on.
    :param augmented: how lessons are varied.
    """

    title: str
    family: str
    loader: str
    pipeline: str
    says: str
    head: str
    tail: str
    unit: str
    things: str
    augmented: str


DESCRIPTIONS = {
    "git-scenes": Description(
        title="GIT for scenes",
        family="GIT",
        loader="GitForCausalLM",
        pipeline="image-to-text",
        says='It captions rendered scenes of one or two coloured objects: "a red cube left of a '
        'blue ball".',
        head="image encoder, visual projection",
        tail="text decoder",
        unit="an image",
        things="scenes",
        augmented="half of them shown mirrored, one of their references at random each time",
    ),
    "git-motion": Description(
        title="GIT for motion",
        family="video GIT",
        loader="GitForCausalLM",
        pipeline="video-text-to-text",
        says="It looks at four frames, spread evenly over a clip of two coloured objects, and "
        'says what moved where: "the red cube moved left", "the blue ball moved behind the '
        'green cone", "nothing moved".',
        head="image encoder, temporal embeddings, visual projection",
        tail="text decoder",
        unit="a clip",
        things="clips",
        augmented="shown mirrored and backwards at random",
    ),
    "blip2-scenes": Description(
        title="BLIP-2 for scenes",
        family="BLIP-2",
        loader="Blip2ForConditionalGeneration",
        pipeline="image-text-to-text",
        says='It captions rendered scenes of one or two coloured objects, "a red cube left of a '
        'blue ball", and answers questions about them: "Question: what colour is the ball? '
        'Answer:".',
        head="image encoder, Q-Former, language projection",
        tail="OPT decoder",
        unit="an image",
        things="scenes",
        augmented="half of them shown mirrored, a caption or a question at random each time",
    ),
    "blip2-rooms": Description(
        title="BLIP-2 for rooms",
        family="BLIP-2",
        loader="Blip2ForConditionalGeneration",
        pipeline="image-text-to-text",
        says='It tells a robot which way to a thing: "Question: which way to the red cube? '
        'Answer:" is answered "left near", "centre far" or "not seen"; rendered scenes of one or '
        "two coloured objects it captions too, and answers questions about them.",
        head="image encoder, Q-Former, language projection",
        tail="OPT decoder",
        unit="an image",
        things="views of furnished rooms and scenes",
        augmented="half of them shown mirrored, a caption or a question at random each time",
    ),
}
