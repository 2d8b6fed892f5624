# SPDX-License-Identifier: Apache-2.0
"""What a module and its inputs must be, so that two runs differ by the weights alone."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from coinfer_ros.core.errors import InvalidInput


def check_evaluating(module: nn.Module) -> None:
    """Check that nothing of a module trains: dropout and batch statistics would move its output.

    :raises InvalidInput: naming the first part that does.
    """
    training = [name for name, part in module.named_modules() if part.training]
    if training:
        raise InvalidInput(
            f"module must be in evaluation mode, got {training[0] or 'all of it'} in training "
            "mode: call its eval()"
        )


def check_inputs(inputs: object) -> None:
    """Check that inputs are a sequence of one or more; a batch in one array is none.

    :raises InvalidInput: otherwise.
    """
    if not isinstance(inputs, Sequence) or isinstance(inputs, str) or not inputs:
        found = "none" if isinstance(inputs, Sequence) and not inputs else type(inputs).__name__
        raise InvalidInput(f"inputs must be a list of at least one, got {found}")
