# SPDX-License-Identifier: Apache-2.0
"""Loads the library's processor of a checkpoint, for images: its video part needs torchvision."""

from __future__ import annotations

import functools
from typing import Any

from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

from coinfer_ros.adapters.checkpoint import NAME, Checkpoint
from coinfer_ros.core.errors import InvalidInput, Unavailable, Unsupported

_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "spiece.model")
_IMAGE_FILES = ("preprocessor_config.json", "processor_config.json")


def load_processor(checkpoint: Checkpoint, config: Any) -> Any:
    """Return the processor.

    :raises Unavailable: when a file is not there, or a package that the processor needs.
    :raises Unsupported: when the library has none for such a model.
    :raises InvalidInput: when a file is broken.
    """
    for names in (_TOKENIZER_FILES, _IMAGE_FILES):
        if not any((checkpoint.folder / name).is_file() for name in names):
            raise Unavailable(
                f"{NAME} must hold {' or '.join(names)}, got none in {checkpoint.folder}"
            )
    if type(config) not in PROCESSOR_MAPPING:
        raise Unsupported(
            f"{NAME} must be a model that the library has a processor for, got model_type "
            f"{config.model_type!r}"
        )
    kind = PROCESSOR_MAPPING[type(config)]
    try:
        return _for_images(kind).from_pretrained(checkpoint.folder, local_files_only=True)
    except ImportError as error:
        raise Unavailable(f"{NAME} needs a package, got {' '.join(str(error).split())}") from error
    except Exception as error:  # the library checks with many kinds
        raise InvalidInput(
            f"{NAME} must hold sound processor and tokenizer files, got "
            f"{type(error).__name__}: {' '.join(str(error).split())}"
        ) from error


@functools.cache
def _for_images(kind: Any) -> Any:
    """Return the processor class without its video part, which needs torchvision."""
    if "video_processor" not in kind.get_attributes():
        return kind

    class Parts(kind):  # type: ignore[misc]
        @classmethod
        def get_attributes(cls) -> list[str]:
            return [name for name in kind.get_attributes() if name != "video_processor"]

    class ForImages(kind):  # type: ignore[misc]
        @classmethod
        def _get_arguments_from_pretrained(cls, *args: Any, **rest: Any) -> list[Any]:
            parts = list(Parts._get_arguments_from_pretrained(*args, **rest))
            parts.insert(kind.get_attributes().index("video_processor"), None)
            return parts

        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            if argument_name == "video_processor" and argument is None:
                return None
            return super().check_argument_for_proper_class(argument_name, argument)

    ForImages.__name__ = kind.__name__
    return ForImages
