# SPDX-License-Identifier: Apache-2.0
"""Checkpoint names to model names, by the library's own table of what it has renamed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import WeightConverter, WeightRenaming, rename_source_key

from coinfer_ros.adapters.checkpoint import NAME
from coinfer_ros.core.errors import InvalidInput, Unsupported

# Counters that older versions stored and that are computed today.
_COMPUTED = re.compile(r"(position_ids|inv_freq|masked_bias|attn\.bias)$")


def sources(model: Any, keys: Iterable[str]) -> dict[str, str]:
    """Find the checkpoint's name of each of a model's tensors.

    :param model: the whole model, weights on ``meta``.
    :param keys: the checkpoint's names.
    :returns: checkpoint names by the model's names; tensors that the model ties share one, unless
        each is stored.
    :raises InvalidInput: when a tensor is missing, or is there that the model does not have.
    :raises Unsupported: when tensors would have to be put together.
    """
    state = model.state_dict()
    found: dict[str, str] = {}
    strangers = []
    for key, name in _renamed(model, state, sorted(keys)):
        if name in state:
            found[name] = key
        elif not _is_expected(model, name):
            strangers.append(key)
    for names in _tied(model):
        # Stored apart they may differ, and are then two, as the library takes them.
        first = next((found[name] for name in names if name in found), None)
        if first is not None:
            found = dict.fromkeys(names, first) | found
    missing = [name for name in state if name not in found]
    if missing:
        raise InvalidInput(
            f"{NAME} must hold every tensor of the model, got no {missing[0]} "
            f"({len(missing)} missing of {len(state)})"
        )
    if strangers:
        raise InvalidInput(
            f"{NAME} must hold no other tensor than the model's, got {strangers[0]} "
            f"({len(strangers)} too many)"
        )
    return found


def _renamed(model: Any, state: dict[str, Any], keys: Iterable[str]) -> Iterable[tuple[str, str]]:
    transforms = get_model_conversion_mapping(model)
    renamings = [t for t in transforms if isinstance(t, WeightRenaming)]
    converters = [t for t in transforms if isinstance(t, WeightConverter)]
    for key in keys:
        name, pattern = rename_source_key(
            key, renamings, converters, model.base_model_prefix, state
        )
        if pattern is not None and name in state:
            raise Unsupported(
                f"{NAME} must hold its tensors as the model has them, got {key}, one of several "
                f"that make up {name}: open it with transformers and save it again"
            )
        yield key, key if name not in state and key in state else name


def _is_expected(model: Any, name: str) -> bool:
    patterns = model._keys_to_ignore_on_load_unexpected or ()
    return bool(_COMPUTED.search(name)) or any(re.search(p, name) for p in patterns)


def _tied(model: Any) -> list[list[str]]:
    groups: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        groups.setdefault(id(parameter), []).append(name)
    return [names for names in groups.values() if len(names) > 1]
