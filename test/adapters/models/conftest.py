# SPDX-License-Identifier: Apache-2.0
"""Small models of many families, random weights, made from configurations and saved as usual."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

WORDS = ("[PAD]", "[UNK]", "[BOS]", "[EOS]", "user", "assistant", *(f"w{n}" for n in range(60)))
VOCABULARY = 128
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
    "bos_token_id": 2,
    "eos_token_id": 3,
    "pad_token_id": 0,
}
VISION = {
    "hidden_size": 24,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "image_size": 32,
    "patch_size": 8,
    "initializer_range": 0.2,
}
QWEN_VISION = {"depth": 3, "hidden_size": 32, "num_heads": 4, "patch_size": 4}
SIDE = {"height": 32, "width": 32}
TILES = [[32, 64], [64, 32], [64, 64]]
Made = tuple[Any, Any]  # model and processor


def tokenizer(
    *special: str, ids: dict[str, int] | None = None, begins: bool = False, **named: str
) -> Any:
    """Make a tokenizer of words.

    :param begins: whether it puts the begin token first.
    :param named: the special tokens that a processor asks for by name.
    """
    vocabulary = {word: i for i, word in enumerate((*WORDS, *special))} | (ids or {})
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if begins:
        words.post_processor = TemplateProcessing(
            single="[BOS] $A", special_tokens=[("[BOS]", vocabulary["[BOS]"])]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="[PAD]",
        unk_token="[UNK]",
        bos_token="[BOS]",
        eos_token="[EOS]",
        additional_special_tokens=[*special, *(ids or {})],
        **({"extra_special_tokens": named} if named else {}),
    )


def image_processor(family: str, name: str, **settings: Any) -> Any:
    module = f"transformers.models.{family}.image_processing_pil_{family}"
    return getattr(importlib.import_module(module), f"{name}ImageProcessorPil")(**settings)


def processor(kind: Any, images: Any, words: Any, *, image: str = "", **settings: Any) -> Any:
    """Make a processor that has no video part: that needs torchvision."""
    if image:
        settings["chat_template"] = (
            "{% for m in messages %}{{ m['role'] }} {% for c in m['content'] %}"
            "{% if c['type'] == 'image' %}" + image + " {% else %}{{ c['text'] }} {% endif %}"
            "{% endfor %}{% endfor %}{% if add_generation_prompt %}assistant {% endif %}"
        )

    class WithoutVideo(kind):  # type: ignore[misc]
        @classmethod
        def get_attributes(cls) -> list[str]:
            return [name for name in kind.get_attributes() if name != "video_processor"]

    WithoutVideo.__name__ = kind.__name__
    if "video_processor" in kind.get_attributes():
        settings["video_processor"] = None
    return WithoutVideo(images, words, **settings)


def git(frames: int | None = None) -> Made:
    words = tokenizer()
    words.cls_token, words.sep_token = "[BOS]", "[EOS]"
    images = image_processor("clip", "CLIP", size={"shortest_edge": 32}, crop_size=SIDE)
    config = transformers.GitConfig(vision_config=VISION, num_image_with_embedding=frames, **TEXT)
    return transformers.GitForCausalLM(config), transformers.GitProcessor(images, words)


def blip2() -> Made:
    words = tokenizer("<image>")
    images = image_processor("blip", "Blip", size=SIDE)
    text = {"ffn_dim": 64, "word_embed_proj_dim": 32, "init_std": 0.2, **TEXT}
    config = transformers.Blip2Config(
        vision_config=VISION,
        qformer_config={
            **{name: VISION[name] for name in ("hidden_size", "intermediate_size")},
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "encoder_hidden_size": 24,
        },
        text_config=transformers.OPTConfig(**text).to_dict(),
        num_query_tokens=5,
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )
    model = transformers.Blip2ForConditionalGeneration(config)
    model.query_tokens.data.normal_()
    kind = transformers.Blip2Processor
    return model, processor(kind, images, words, num_query_tokens=5)


def instructblip() -> Made:
    images = image_processor("blip", "Blip", size=SIDE)
    words, asked = tokenizer("<image>", begins=True), tokenizer(begins=True)
    model, _ = blip2()
    config = transformers.InstructBlipConfig(
        vision_config=VISION,
        qformer_config={
            **model.config.qformer_config.to_dict(),
            "model_type": "instructblip_qformer",
            "vocab_size": VOCABULARY,
        },
        text_config=model.config.text_config.to_dict(),
        num_query_tokens=5,
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )
    made = transformers.InstructBlipProcessor(images, words, asked, num_query_tokens=5)
    return transformers.InstructBlipForConditionalGeneration(config), made


def llava(*, begins: bool = False) -> Made:
    words = tokenizer("<image>", begins=begins, image_token="<image>")
    images = image_processor("clip", "CLIP", size={"shortest_edge": 32}, crop_size=SIDE)
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**VISION),
        text_config=transformers.LlamaConfig(**TEXT),
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )
    return transformers.LlavaForConditionalGeneration(config), processor(
        transformers.LlavaProcessor, images, words, image="<image>", **_LLAVA
    )


def llava_next() -> Made:
    words = tokenizer("<image>", image_token="<image>")
    images = image_processor(
        "llava_next",
        "LlavaNext",
        size={"shortest_edge": 32},
        crop_size=SIDE,
        image_grid_pinpoints=TILES,
    )
    config = transformers.LlavaNextConfig(
        vision_config=transformers.CLIPVisionConfig(**VISION),
        text_config=transformers.LlamaConfig(**TEXT),
        image_token_index=words.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=TILES,
    )
    return transformers.LlavaNextForConditionalGeneration(config), processor(
        transformers.LlavaNextProcessor, images, words, image="<image>", **_LLAVA
    )


_LLAVA = {
    "patch_size": 8,
    "vision_feature_select_strategy": "default",
    "num_additional_image_tokens": 1,
}


def llava_onevision() -> Made:
    words = tokenizer("<image>", "<video>", image_token="<image>", video_token="<video>")
    images = image_processor(
        "llava_onevision", "LlavaOnevision", size=SIDE, image_grid_pinpoints=TILES
    )
    config = transformers.LlavaOnevisionConfig(
        vision_config=_siglip(),
        text_config=transformers.Qwen2Config(**TEXT),
        image_token_index=words.convert_tokens_to_ids("<image>"),
        video_token_index=words.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=TILES,
    )
    return transformers.LlavaOnevisionForConditionalGeneration(config), processor(
        transformers.LlavaOnevisionProcessor,
        images,
        words,
        image="<image>",
        num_image_tokens=16,
        vision_feature_select_strategy="full",
    )


def idefics(family: str, name: str) -> Made:
    special = ("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>")
    tiles = (f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5))
    words = tokenizer(*special, *tiles)
    images = image_processor(
        family,
        name,
        size={"longest_edge": 64},
        max_image_size={"longest_edge": 32},
        do_image_splitting=True,
    )
    config = getattr(transformers, f"{name}Config")(
        vision_config=VISION,
        text_config=transformers.LlamaConfig(**TEXT),
        scale_factor=2,
        image_token_id=words.convert_tokens_to_ids("<image>"),
        pad_token_id=0,
    )
    kind = getattr(transformers, f"{name}Processor")
    made = processor(kind, images, words, image="<image>", image_seq_len=4)
    return getattr(transformers, f"{name}ForConditionalGeneration")(config), made


def qwen(name: str, vision: dict[str, Any], rope: dict[str, Any], **text: Any) -> Made:
    special = ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>")
    words = tokenizer(*special)
    images = image_processor(
        *("qwen2_vl", "Qwen2VL"),
        patch_size=4,
        merge_size=2,
        temporal_patch_size=2,
        min_pixels=64,
        max_pixels=64 * 64,
    )
    parts = ("image", "video", "vision_start", "vision_end")
    ids = dict(zip(parts, words.convert_tokens_to_ids(list(special)), strict=True))
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 1e4, **rope}
    config = getattr(transformers, f"{name}Config")(
        vision_config={"spatial_merge_size": 2, "initializer_range": 0.2, **vision},
        text_config={**TEXT, "rope_parameters": rope, **text},
        **{f"{part}_token_id": token for part, token in ids.items()},
    )
    made = processor(
        getattr(transformers, f"{name}Processor"),
        images,
        words,
        image=f"{special[2]} {special[0]} {special[3]}",
    )
    return getattr(transformers, f"{name}ForConditionalGeneration")(config), made


def paligemma(*, pools: bool = False) -> Made:
    words = tokenizer("<image>")
    images = image_processor("siglip", "Siglip", size=SIDE)
    images.image_seq_length = 16
    config = transformers.PaliGemmaConfig(
        vision_config=_siglip(pools=pools),
        # Its processor adds 1,152 tokens for places.
        text_config=transformers.GemmaConfig(**{**TEXT, "head_dim": 8, "vocab_size": 2048}),
        image_token_index=words.convert_tokens_to_ids("<image>"),
        projection_dim=32,
        hidden_size=32,
    )
    kind = transformers.PaliGemmaProcessor
    return transformers.PaliGemmaForConditionalGeneration(config), kind(images, words)


def internvl() -> Made:
    words = tokenizer(
        *("<img>", "</img>", "<IMG_CONTEXT>", "<video>"),
        start_image_token="<img>",
        end_image_token="</img>",
        context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )
    images = image_processor("got_ocr2", "GotOcr2", size=SIDE, crop_to_patches=True, max_patches=4)
    config = transformers.InternVLConfig(
        vision_config={**VISION, "image_size": [32, 32], "patch_size": [8, 8]},
        text_config=transformers.Qwen2Config(**TEXT),
        image_token_id=words.convert_tokens_to_ids("<IMG_CONTEXT>"),
        downsample_ratio=0.5,
    )
    kind = transformers.InternVLProcessor
    made = processor(kind, images, words, image="<IMG_CONTEXT>", image_seq_length=4)
    return transformers.InternVLForConditionalGeneration(config), made


def gemma3() -> Made:
    words = tokenizer(
        *("<boi>", "<eoi>", "<soft>"), boi_token="<boi>", eoi_token="<eoi>", image_token="<soft>"
    )
    images = image_processor("gemma3", "Gemma3", size=SIDE)
    config = transformers.Gemma3Config(
        vision_config=_siglip(),
        text_config=transformers.Gemma3TextConfig(**{**TEXT, "head_dim": 8}),
        image_token_index=words.convert_tokens_to_ids("<soft>"),
        boi_token_index=words.convert_tokens_to_ids("<boi>"),
        eoi_token_index=words.convert_tokens_to_ids("<eoi>"),
        mm_tokens_per_image=4,
    )
    kind = transformers.Gemma3Processor
    made = processor(kind, images, words, image="<boi>", image_seq_length=4)
    return transformers.Gemma3ForConditionalGeneration(config), made


def _siglip(*, pools: bool = False) -> Any:
    return transformers.SiglipVisionConfig(**VISION, vision_use_head=pools)


# What the tests cut: each of the tested families, and what is particular beside.
FAMILIES: dict[str, Callable[[], Made]] = {
    "git": git,
    "git of video": lambda: git(3),
    "blip-2": blip2,
    "gemma3": gemma3,
    "idefics3": lambda: idefics("idefics3", "Idefics3"),
    "internvl": internvl,
    "llava": llava,
    "llava_next": llava_next,
    "llava_onevision": llava_onevision,
    "paligemma": paligemma,
    "qwen2_vl": lambda: qwen("Qwen2VL", {**QWEN_VISION, "embed_dim": 32, "mlp_ratio": 2}, {}),
    "qwen2_5_vl": lambda: qwen(
        "Qwen2_5_VL",
        {
            **QWEN_VISION,
            "out_hidden_size": 32,
            "intermediate_size": 48,
            "window_size": 16,
            "fullatt_block_indexes": [1],
        },
        {},
    ),
    "qwen3_vl": lambda: qwen(
        "Qwen3VL",
        {
            **QWEN_VISION,
            "out_hidden_size": 32,
            "intermediate_size": 48,
            "deepstack_visual_indexes": [0, 1],
            "num_position_embeddings": 64,
        },
        {"mrope_interleaved": True},
        head_dim=8,
    ),
    "smolvlm": lambda: idefics("smolvlm", "SmolVLM"),
}
PARTICULAR: dict[str, Callable[[], Made]] = {
    "instructblip": instructblip,
    "llava that begins": lambda: llava(begins=True),
    "paligemma that pools": lambda: paligemma(pools=True),
}


def _one(parameter: torch.nn.Parameter) -> None:
    parameter.data += 0.05 * torch.randn_like(parameter)  # biases and the like start at nought


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function from a family's name to the folder of its checkpoint."""
    folders: dict[str, Path] = {}

    def saved(name: str) -> Path:
        if name not in folders:
            torch.manual_seed(7)
            model, parts = (FAMILIES | PARTICULAR)[name]()
            for parameter in model.parameters():
                _one(parameter)
            folders[name] = tmp_path_factory.mktemp(name.replace(" ", "-"))
            model.save_pretrained(folders[name])
            parts.save_pretrained(folders[name])
        return folders[name]

    return saved


@pytest.fixture(params=sorted(FAMILIES))
def each_family(family: Callable[[str], Path], request: pytest.FixtureRequest) -> Path:
    """Return the folder of each family's checkpoint in turn."""
    return family(request.param)


@pytest.fixture(scope="session")
def parts() -> Any:
    """Return what processors are made of."""
    return SimpleNamespace(tokenizer=tokenizer, image_processor=image_processor)
