# SPDX-License-Identifier: Apache-2.0
"""``coinfer inspect``: where a model can be cut, and what each cut costs on either side."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coinfer_ros import locate
from coinfer_ros.core import wire
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.tools.arguments import Parser, add_image_px, add_whole

if TYPE_CHECKING:
    from rich.table import Table

    from coinfer_ros.adapters.models.inspection import CutCost

GIGA, MEGA, KIBI = 1e9, 1e6, 1024.0
SHOWN_BITS = (16, 8, 4)  # of the table; --json has every width


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "inspect",
        help="a model's cuts: work, parameters and bytes on either side",
        description=(
            "For every place where a model can be cut: what robot and edge compute and hold, and "
            "what crosses between them. Counted on shapes alone: the folder needs configuration, "
            "processor and tokenizer, but no weights, and a model of any size takes no memory."
        ),
    )
    parser.add_argument("model", help="checkpoint folder, or the name of a shipped model")
    add_image_px(parser)
    add_whole(
        parser,
        "--prompt-tokens",
        low=0,
        high=8192,
        text="tokens of text beside those of an empty prompt",
        default=0,
    )
    parser.add_argument(
        "--every-position",
        action="store_true",
        help="count the logits of every position, not of the last alone as generation does",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the cuts and return the exit status.

    :raises CoinferError: when the folder is no model that can be cut.
    """
    from coinfer_ros.adapters.models.inspection import inspect  # noqa: PLC0415  torch: seconds

    costs = inspect(
        locate.model(arguments.model),
        image_px=arguments.image_px,
        prompt_tokens=arguments.prompt_tokens,
        every_position=arguments.every_position,
    )
    if arguments.json:
        print(json.dumps({"model": arguments.model, "cuts": [_record(cost) for cost in costs]}))
    else:
        _print(arguments.model, costs)
    return 0


def _record(cost: CutCost) -> dict[str, object]:
    info = cost.info
    return {
        "cut": info.cut,
        "tokens": info.embedding_shape[0],
        "channels": info.embedding_shape[1],
        "robot_flop": info.head_flop,
        "edge_flop": info.tail_flop,
        "robot_parameters": info.head_parameters,
        "edge_parameters": info.tail_parameters,
        "robot_weight_bytes": {str(bits): cost.size.stored_bytes(bits) for bits in WEIGHT_BITS},
        "embedding_bytes": {
            str(bits): wire.size_bytes(info.embedding_shape, bits) for bits in wire.WIRE_BITS
        },
    }


def _print(model: str, costs: Sequence[CutCost]) -> None:
    from rich.console import Console  # noqa: PLC0415

    work = [_work(cost) for cost in costs]
    sizes = [_sizes(cost) for cost in costs]
    heads = ["robot\nGFLOP", "edge\nGFLOP", "robot\nM par.", "edge\nM par.", "embedding"]
    console = Console()
    console.print(_table(f"Cuts of {Path(model).name}: work and parameters", heads, work))
    heads = [f"MB at\n{bits} bits" for bits in SHOWN_BITS]
    heads += [f"KiB at\n{bits} bits" for bits in SHOWN_BITS]
    console.print(
        _table("Bytes: the robot's weights (MB), and an embedding on the wire (KiB)", heads, sizes)
    )
    console.print(
        "GFLOP: 2 a multiply-add; the edge's, to the first token. M par.: millions of parameters. "
        "The last cut is the model's own; the parameter split.cut takes any of them.",
        style="dim",
    )


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for head in ("cut", *heads):
        table.add_column(head, justify="left" if head == "cut" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _work(cost: CutCost) -> list[str]:
    info = cost.info
    tokens, channels = info.embedding_shape
    return [
        info.cut,
        f"{info.head_flop / GIGA:.4g}",
        f"{info.tail_flop / GIGA:.4g}",
        f"{info.head_parameters / MEGA:.2f}",
        f"{info.tail_parameters / MEGA:.2f}",
        f"{tokens} x {channels}",
    ]


def _sizes(cost: CutCost) -> list[str]:
    shape = cost.info.embedding_shape
    return [
        cost.info.cut,
        *(f"{cost.size.stored_bytes(bits) / MEGA:.2f}" for bits in SHOWN_BITS),
        *(f"{wire.size_bytes(shape, bits) / KIBI:.1f}" for bits in SHOWN_BITS),
    ]
