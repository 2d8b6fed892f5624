# SPDX-License-Identifier: Apache-2.0
"""Opens a node's half of the model at each cut that its settings name; torch comes only then."""

from __future__ import annotations

from coinfer_ros import locate
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import Head, Tail
from coinfer_ros.parameters import EdgeSettings, RobotSettings, image_px, names


def open_heads(settings: RobotSettings) -> dict[str, Head]:
    """Return the robot's half at each cut, by its full name, in the order of the settings.

    :raises CoinferError: naming what is wrong with the checkpoint or a setting.
    """
    # torch takes seconds to import; meanwhile the node is up and others find it.
    from coinfer_ros.adapters import models  # noqa: PLC0415

    heads = [
        models.open_head(
            locate.model(settings.model_path),
            cut=cut,
            image_px=image_px(settings.image_width, settings.image_height),
            bits=settings.weight_bits,
            device=settings.device,
            kernel=settings.kernel,
        )
        for cut in names("split.cut", settings.cut)
    ]
    return {head.info.cut: head for head in heads}


def open_tails(settings: EdgeSettings) -> dict[str, Tail]:
    """Return the edge's half at each cut, here or in an engine, likewise.

    :raises CoinferError: naming what is wrong with the checkpoint, the engine or a setting.
    """
    from coinfer_ros.adapters import models  # noqa: PLC0415

    cuts = names("split.cut", settings.cut)
    if settings.engine_url:
        return _open_engine(settings, cuts)
    tails = [
        models.open_tail(
            locate.model(settings.model_path),
            cut=cut,
            image_px=image_px(settings.image_width, settings.image_height),
            max_new_tokens=settings.max_new_tokens,
            device=settings.device,
            precision=settings.precision,
        )
        for cut in cuts
    ]
    return {tail.info.cut: tail for tail in tails}


def _open_engine(settings: EdgeSettings, cuts: tuple[str, ...]) -> dict[str, Tail]:
    from coinfer_ros.adapters import models  # noqa: PLC0415
    from coinfer_ros.adapters.engines import open_engine  # noqa: PLC0415

    if len(cuts) > 1:
        raise InvalidInput(
            f"split.cut must name one cut where engine.url is given, got {settings.cut!r}"
        )
    size = image_px(settings.image_width, settings.image_height)
    info = models.describe(locate.model(settings.model_path), cut=cuts[0], image_px=size)
    tail = open_engine(settings.engine_url, info, timeout_s=settings.engine_timeout_s)
    return {info.cut: tail}
