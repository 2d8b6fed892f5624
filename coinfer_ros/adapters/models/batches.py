# SPDX-License-Identifier: Apache-2.0
"""Several answers in one run of a model: whether it can, seen by trying, and who ended where."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

# The answer to the prompt, and to what has been said: the second step is the first with a cache.
_STEPS = 3
# Embeddings (N, T, C) and how to generate to what the library returns.
Generate = Callable[[torch.Tensor, Any], Any]


def repeated(inputs: Mapping[str, torch.Tensor], members: int) -> dict[str, torch.Tensor]:
    """Return a model's inputs of one image and prompt as those of several.

    All that the library's processors make has images, or their tiles, along its first axis.
    """
    return {name: torch.cat([value] * members) for name, value in inputs.items()}


def ends(model: Any, how: Any) -> tuple[int, ...]:
    """Return the tokens that end an answer: where ``how`` names none, the model's own."""
    named = how.eos_token_id
    if named is None:
        part = getattr(model, "language_model", model)  # BLIP-2 leaves generating to it
        own = getattr(part, "generation_config", None) or model.generation_config
        named = own.eos_token_id
    if named is None:
        return ()
    return (named,) if isinstance(named, int) else tuple(named)


def until_end(tokens: torch.Tensor, ends: Sequence[int], *, given: int = 0) -> torch.Tensor:
    """Return one answer's tokens up to its end: what follows only waits for the longest answer.

    :param tokens: (S,) what was generated.
    :param ends: the tokens that end an answer.
    :param given: how many of them were given and end nothing, as a decoder's start may.
    """
    found = torch.isin(tokens[given:], tokens.new_tensor(ends)).nonzero()
    return tokens if not len(found) else tokens[: given + int(found[0]) + 1]


def can_batch(generate: Generate, how: Any, shape: tuple[int, int], dtype: torch.dtype) -> bool:
    """Say whether a model answers two embeddings together as it answers each alone.

    It does when each one's logits are those of its own answer up to half of the type's digits, and
    nearer to them than to the other's: sums are made in another order, and where two words are as
    likely as that, a narrow type may then choose the other. Whatever the model raises when asked
    for two says that it cannot.

    :param how: how the model is generated from.
    :param shape: (T, C) of an embedding.
    :param dtype: type that the model computes in.
    """
    short = copy.deepcopy(how)
    short.max_new_tokens = min(_STEPS, how.max_new_tokens)
    short.return_dict_in_generate = short.output_logits = True
    both = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    try:
        alone = [generate(one[None], short) for one in both]
        together = generate(both, short)
        return all(_is_own(together, member, alone, dtype) for member in range(2))
    except Exception:  # code that was written for one image fails in any way
        return False


def _is_own(together: Any, member: int, alone: list[Any], dtype: torch.dtype) -> bool:
    """Say whether a member of a batch was told what it is told alone, as far as both said it."""
    mine, other = alone[member], alone[1 - member]
    first = together.logits[0][member]
    if 2.0 * _distance(mine.logits[0][0], first) >= _distance(other.logits[0][0], first):
        return False
    steps = len(mine.logits)
    said = (mine.sequences[0, -steps:], together.sequences[member, -len(together.logits) :])
    for step in range(steps):
        own, found = mine.logits[step][0], together.logits[step][member]
        if _distance(own, found) > torch.finfo(dtype).eps ** 0.5 * own[own.isfinite()].abs().max():
            return False
        if said[0][step] != said[1][step]:
            return True  # as likely as each other: from here on they tell two stories
    return True


def _distance(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the greatest difference of two rows of logits; a word that is barred has none."""
    return float((one - other)[one.isfinite()].abs().max())
