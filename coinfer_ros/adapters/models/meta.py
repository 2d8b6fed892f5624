# SPDX-License-Identifier: Apache-2.0
"""Models without memory: weights on torch's ``meta`` device, small inputs and counters real.

A tensor on ``meta`` has a shape and no values, so a model of any size is built in seconds and runs
for its shapes alone. Vision-language models also branch on values (how many image tokens a prompt
has, which patches are padding): those stay real, and meet the weights through :class:`MixedMeta`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

_BUILDING = threading.RLock()


@contextmanager
def weights_without_memory() -> Iterator[None]:
    """Put every parameter that a module registers on ``meta``; buffers stay real.

    Buffers that checkpoints do not hold (rotary frequencies, position counters) are computed when a
    module is made, so they must be real from the start.
    """
    with _BUILDING:  # one at a time, and other threads make their modules as ever
        register, builder = nn.Module.register_parameter, threading.get_ident()

        def register_on_meta(module: nn.Module, name: str, value: nn.Parameter | None) -> None:
            ours = threading.get_ident() == builder
            if ours and value is not None and value.device.type != "meta":
                value = nn.Parameter(value.to("meta"), requires_grad=False)
            register(module, name, value)

        nn.Module.register_parameter = register_on_meta  # type: ignore[method-assign,assignment]
        try:
            yield
        finally:
            nn.Module.register_parameter = register  # type: ignore[method-assign]


class MixedMeta(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Lets real tensors take part in an operation on ``meta``: they go there first.

    Whole numbers and truth values stay real even when they are asked to move or are made there.

    :ivar touched: ``id`` of every tensor on ``meta`` that took part; of use for those that live on.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.touched: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run one operation."""
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_flatten((args, kwargs))[0] if _is_tensor(leaf)]
        self.touched.update(id(tensor) for tensor in tensors if tensor.is_meta)
        if _goes_to_meta(kwargs) and not any(t.is_meta or _holds_values(t) for t in tensors):
            real = func(*args, **(kwargs | {"device": "cpu"}))
            return real if not real.is_floating_point() else real.to("meta")
        if func is torch.ops.aten._to_copy.default and tensors[0].is_meta:
            kwargs = kwargs | {"device": "meta"}  # there are no values to take elsewhere
        if any(t.is_meta for t in tensors) and not all(t.is_meta for t in tensors):
            if func is torch.ops.aten.index.Tensor:
                args = (args[0], _positions(args[1]), *args[2:])
            args, kwargs = tree_map(_to_meta, (args, kwargs))
        return func(*args, **kwargs)


def _goes_to_meta(kwargs: dict[str, Any]) -> bool:
    device, dtype = kwargs.get("device"), kwargs.get("dtype")
    floats = dtype is not None and dtype.is_floating_point
    return device is not None and torch.device(device).type == "meta" and not floats


def _holds_values(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point()


def _is_tensor(leaf: object) -> bool:
    return isinstance(leaf, torch.Tensor)


def _to_meta(leaf: Any) -> Any:
    return leaf.to("meta") if _is_tensor(leaf) else leaf


def _positions(indices: list[torch.Tensor | None]) -> list[torch.Tensor | None]:
    """Turn real masks into positions: how many a mask selects is known only by its values."""
    spread: list[torch.Tensor | None] = []
    for index in indices:
        if index is not None and index.dtype == torch.bool and not index.is_meta:
            spread.extend(index.nonzero().unbind(1))
        else:
            spread.append(index)
    return spread
