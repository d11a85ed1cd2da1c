"""Writes a checkpoint as a model folder in the Hugging Face layout. `python3 export.py --help` tells the options.

Weights take little room and keep their accuracy: convolutions and matrices as fp16, the table of words as int8 with a
scale for each row. The graphs compute in fp32; ONNX Runtime widens the weights once, when it loads them.
"""

import argparse
import json
import math
import random
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from data import FOLDER, Pictures
from model import Block, ImageTower, TextTower
from tokens import LONGEST, Tokenizer

MEAN = STD = 0.5


def load(checkpoint):
    """Both towers with the averaged weights of a checkpoint, ready to evaluate."""
    stored = torch.load(checkpoint, map_location="cpu")
    vectors = torch.from_numpy(np.load(FOLDER / "vocabulary.npy"))
    image, text = ImageTower(), TextTower(vectors)
    for tower, state in zip((image, text), stored["average"]):
        missing, strange = tower.load_state_dict(state, strict=False)
        assert not strange and set(missing) <= {"vectors"}, (missing, strange)
    return image.eval(), text.eval(), stored


def fold(image):
    """The same tower with each batch normalisation inside its convolution."""
    body, parts = list(image.body), []
    for part in body:
        if isinstance(part, nn.BatchNorm2d):
            parts[-1] = fuse_conv_bn_eval(parts[-1], part)
        else:
            parts.append(part)
    for part in parts:
        if isinstance(part, Block):
            part.c1, part.c2 = fuse_conv_bn_eval(part.c1, part.b1), fuse_conv_bn_eval(part.c2, part.b2)
            part.b1 = part.b2 = nn.Identity()
            if part.skip is not None:
                part.skip = nn.Sequential(fuse_conv_bn_eval(part.skip[0], part.skip[1]))
    image.body = nn.Sequential(*parts)
    return image


class Half(nn.Module):
    """A convolution or linear map whose weight is stored as fp16."""

    def __init__(self, of):
        super().__init__()
        self.register_buffer("weight", of.weight.detach().half())
        self.register_buffer("bias", None if of.bias is None else of.bias.detach())
        self.of = (of.stride, of.padding) if isinstance(of, nn.Conv2d) else None

    def forward(self, x):
        if self.of:
            return F.conv2d(x, self.weight.float(), self.bias, *self.of)
        y = torch.matmul(x, self.weight.float().t())
        return y if self.bias is None else y + self.bias


def halve(module):
    for name, child in module.named_children():
        if isinstance(child, (nn.Conv2d, nn.Linear)):
            setattr(module, name, Half(child))
        else:
            halve(child)
    return module


class ImageExport(nn.Module):
    def __init__(self, tower):
        super().__init__()
        self.tower = tower

    def forward(self, pixel_values):
        t = self.tower
        x = (t.body(pixel_values) + t.position).flatten(2).transpose(1, 2)
        for layer in t.layers:
            x = layer(x)
        x = t.project(t.norm(x.mean(1)))
        return x / x.norm(dim=-1, keepdim=True)


class TextExport(nn.Module):
    """A token's vector, its map and its difference are one row of one table."""

    def __init__(self, tower):
        super().__init__()
        with torch.no_grad():
            table = tower.vectors @ tower.map.weight.t() + tower.difference.weight
            largest = table.abs().amax(1, keepdim=True).clamp(min=1e-6)
            self.register_buffer("table", torch.round(table / largest * 127).to(torch.int8))
            # Not fp16: some GPUs gather no half floats.
            self.register_buffer("step", largest / 127)
        for part in ("map", "difference", "vectors"):
            delattr(tower, part)
        self.tower = tower

    def forward(self, input_ids):
        t = self.tower
        x = self.table[input_ids].float() * self.step[input_ids]
        there = (input_ids != 0).float()
        x = x + t.position[: input_ids.shape[1]]
        bias = (1 - there)[:, None, None, :] * -1e4
        for layer in t.layers:
            x = layer(x, bias)
        x = (t.norm(x) * there[..., None]).sum(1) / there.sum(1, keepdim=True).clamp(min=1)
        x = t.project(x)
        return x / x.norm(dim=-1, keepdim=True)


@torch.no_grad()
def vectors_of(pictures, image, rows):
    return torch.cat([image(pictures.plain(rows[k : k + 128])) for k in range(0, len(rows), 128)])


@torch.no_grad()
def calibrate(pictures, image, text, tokenizer, choices=10):
    """The logit scale whose softmax over `choices` names is honest on held-out pictures.

    Each held-out picture is asked which of ten names it is: its own and nine others, by chance. The scale has the
    least negative log likelihood on one half of the pictures; the expected calibration error (Guo et al. 2017,
    15 bins) is of the other half. Returns the scale, that error and the accuracy.
    """
    rows = [i for held in [*pictures.sets.values(), pictures.held] for i in held]
    random.Random(7).shuffle(rows)
    names = sorted({pictures.rows[i]["base"] for i in rows})
    at = {name: k for k, name in enumerate(names)}
    words = torch.cat([text(torch.from_numpy(tokenizer(names[k : k + 512]))) for k in range(0, len(names), 512)])
    own = torch.tensor([at[pictures.rows[i]["base"]] for i in rows])
    others = torch.randint(0, len(names) - 1, (len(rows), choices - 1), generator=torch.Generator().manual_seed(7))
    others = others + (others >= own[:, None])
    asked = torch.cat([own[:, None], others], 1)
    cosine = (vectors_of(pictures, image, rows)[:, None] * words[asked]).sum(-1)
    half = len(rows) // 2
    loss = lambda s: F.cross_entropy(cosine[:half] * s, torch.zeros(half, dtype=torch.long)).item()
    scale = min((math.exp(k / 40) for k in range(40, 200)), key=loss)
    sure, which = F.softmax(cosine[half:] * scale, 1).max(1)
    right = (which == 0).float()
    bins = (sure * 15).long().clamp(max=14)
    error = sum(abs((right - sure)[bins == b].sum().item()) for b in range(15)) / len(right)
    return scale, error, right.mean().item()


def main():
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("checkpoint")
    ask.add_argument("folder")
    o = ask.parse_args()
    warnings.filterwarnings("ignore")
    folder = Path(o.folder)
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    pictures, tokenizer = Pictures(), Tokenizer.load()
    image, text, stored = load(o.checkpoint)
    scale, error, accuracy = calibrate(pictures, image, text, tokenizer)
    print(f"logit scale {scale:.2f}: expected calibration error {100 * error:.2f} %, accuracy {100 * accuracy:.1f} % of ten names")

    rows = random.Random(3).sample([*pictures.sets["lucide"], *pictures.sets["fluent-emoji-flat"], *pictures.held], 200)
    texts = [pictures.rows[i]["base"] for i in rows]
    with torch.no_grad():
        expected = {"texts": texts, "text": text(torch.from_numpy(tokenizer(texts))), "image": image(pictures.plain(rows))}
    size = expected["image"].shape[1]
    (FOLDER / "export").mkdir(exist_ok=True)
    # What the product's own preprocessing and tokenizer must give again: see evaluate.ts --check.
    pixels = ((pictures.plain(rows) + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous()
    (FOLDER / "export" / "pixels.u8").write_bytes(pixels.numpy().tobytes())
    for name in ("text", "image"):
        (FOLDER / "export" / f"{name}.f32").write_bytes(expected[name].numpy().astype("<f4").tobytes())
    (FOLDER / "export" / "texts.json").write_text(json.dumps(texts))

    write = dict(opset_version=14, do_constant_folding=False, keep_initializers_as_inputs=False)
    width, heads = image.position.shape[1], text.layers[0].heads
    with torch.no_grad():
        torch.onnx.export(
            ImageExport(halve(fold(image))), torch.zeros(2, 3, 64, 64), folder / "onnx" / "vision_model.onnx",
            input_names=["pixel_values"], output_names=["image_embeds"],
            dynamic_axes={"pixel_values": {0: "batch_size"}, "image_embeds": {0: "batch_size"}}, **write,
        )
        text_width, text_layers = text.position.shape[1], len(text.layers)
        torch.onnx.export(
            TextExport(halve_text(text)), torch.ones(2, 5, dtype=torch.long), folder / "onnx" / "text_model.onnx",
            input_names=["input_ids"], output_names=["text_embeds"],
            dynamic_axes={"input_ids": {0: "batch_size", 1: "sequence_length"}, "text_embeds": {0: "batch_size"}}, **write,
        )
    put = lambda name, value: (folder / name).write_text(json.dumps(value, indent=1) + "\n")
    put("config.json", {
        "model_type": "clip", "projection_dim": size, "logit_scale_init_value": math.log(scale),
        "text_config": {"hidden_size": text_width, "num_hidden_layers": text_layers, "num_attention_heads": heads, "max_position_embeddings": LONGEST, "vocab_size": len(tokenizer.ids), "pad_token_id": 0},
        "vision_config": {"image_size": 64, "patch_size": 16, "hidden_size": width},
    })
    put("preprocessor_config.json", {
        "image_processor_type": "CLIPImageProcessor", "do_convert_rgb": True, "do_resize": True, "size": {"height": 64, "width": 64}, "resample": 3,
        "do_center_crop": False, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [MEAN] * 3, "image_std": [STD] * 3,
    })
    put("tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "model_max_length": LONGEST, "pad_token": "[PAD]", "unk_token": "[UNK]", "do_lower_case": True})
    special = lambda at, token: {"id": at, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [special(0, "[PAD]"), special(1, "[UNK]")],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": True, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": None, "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": tokenizer.ids},
    }, separators=(",", ":")))
    put("training.json", {
        "pictures_seen": stored["seen"], "calibration": {"choices": 10, "expected_calibration_error": round(error, 4), "accuracy": round(accuracy, 4)},
        "log": stored["log"],
    })
    total = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{folder}: {total / 1e6:.1f} MB")


def halve_text(text):
    """All but the table's own parts, which TextExport folds."""
    for layer in text.layers:
        halve(layer)
    text.project = Half(text.project)
    return text


if __name__ == "__main__":
    main()
