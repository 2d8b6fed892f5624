# SPDX-License-Identifier: Apache-2.0
"""What each half holds in memory beside the whole model, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.git_base import checkpoint
from bench.options import Options
from bench.section import Section, verdict
from coinfer_ros.adapters.memory import resident
from coinfer_ros.core.errors import Unavailable

WIDTHS = (16, 8, 4)
LONGEST_S = 300.0


@dataclass(frozen=True)
class Held:
    """Memory of one process, bytes: its own, pages of files, and on the GPU."""

    own_bytes: int
    mapped_bytes: int
    gpu_bytes: int


def measure(options: Options) -> Section:
    """Load, run once, and look."""
    # One run tells: memory has no noise worth a median.
    with checkpoint(layers=options.layers(12)) as folder:
        idle = _child("idle", folder)
        held = {"whole model, float32": _child("whole", folder)}
        for bits in WIDTHS:
            held[f"robot's half, {bits} bits"] = _child(f"head {bits}", folder)
        held["edge's half"] = _child("tail", folder)
        stored = (folder / "model.safetensors").stat().st_size
    whole = held["whole model, float32"].own_bytes - idle.own_bytes
    halves = [held[f"robot's half, {WIDTHS[1]} bits"], held["edge's half"]]
    together = sum(half.own_bytes - idle.own_bytes for half in halves)
    return Section(
        title="Resident memory",
        columns=("process", "own, MB", "of the whole", "mapped files, MB", "on the GPU, MB"),
        rows=tuple(
            (
                name,
                f"{(found.own_bytes - idle.own_bytes) / 1e6:.0f}",
                f"{(found.own_bytes - idle.own_bytes) / whole:.2f}",
                f"{(found.mapped_bytes - idle.mapped_bytes) / 1e6:.0f}",
                f"{found.gpu_bytes / 1e6:.0f}",
            )
            for name, found in held.items()
        ),
        verdicts=(
            verdict(
                "both halves together hold no more than the whole model",
                met=together <= whole,
                seen=f"{together / 1e6:.0f} of {whole / 1e6:.0f} MB",
            ),
        ),
        reading=(
            f"GIT-base with random weights, {stored / 1e6:.0f} MB of float16 on disk. Each process "
            "has answered once; what it held with the libraries imported and no model, "
            f"{idle.own_bytes / 1e6:.0f} MB, is taken off. Mapped files are pages of the "
            "checkpoint, which the system takes back when it needs room. On the GPU: what torch "
            "has given out there, 0 without one; the driver's own memory is then in each process."
        ),
    )


def _child(what: str, folder: Path) -> Held:
    command = [sys.executable, "-m", "bench.memory", *what.split(), str(folder)]
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    if done.returncode:
        raise Unavailable(f"{what} must run, got {done.stderr.strip().splitlines()[-1:]}")
    return Held(**json.loads(done.stdout.splitlines()[-1]))


def _idle(folder: Path) -> object:
    from coinfer_ros.adapters import models  # noqa: PLC0415

    return models, folder


def _whole(folder: Path) -> object:
    import torch  # noqa: PLC0415
    from transformers.models.git.modeling_git import GitForCausalLM  # noqa: PLC0415

    from bench import passes  # noqa: PLC0415

    device = passes.device()
    model = GitForCausalLM.from_pretrained(folder, dtype=torch.float32).eval().to(device)
    pixels = torch.zeros(1, 3, 224, 224, device=device)
    begin = torch.tensor([[2]], device=device)
    with torch.inference_mode():
        model.generate(input_ids=begin, pixel_values=pixels, max_new_tokens=2)
    return model


def _head(bits: int) -> Callable[[Path], object]:
    def run(folder: Path) -> object:
        from coinfer_ros.adapters.models import open_head  # noqa: PLC0415

        head = open_head(folder, bits=bits)
        head.embed(np.zeros((224, 224, 3), np.uint8))
        return head

    return run


def _tail(folder: Path) -> object:
    from coinfer_ros.adapters.models import open_tail  # noqa: PLC0415

    tail = open_tail(folder, max_new_tokens=2)
    tail.warm_up()
    return tail


def _held() -> Held:
    import torch  # noqa: PLC0415

    here = resident()
    return Held(here.own_bytes, here.mapped_bytes, torch.cuda.memory_allocated())


def _main(arguments: list[str]) -> None:
    what, *rest, folder = arguments
    run = _head(int(rest[0])) if rest else {"idle": _idle, "whole": _whole, "tail": _tail}[what]
    held = run(Path(folder))
    print(json.dumps(asdict(_held())))
    del held


if __name__ == "__main__":
    _main(sys.argv[1:])
