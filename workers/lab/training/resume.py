"""The towers of an exported model folder, to go on training from where no checkpoint is left.

Export folds each batch normalisation into its convolution, and a word's vector, map and difference into one row.
Here both come apart again: the towers give the vectors that the folder's files give.
"""

import collections
import json
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn as nn
from onnx.numpy_helper import to_array

from model import Block


def weights(file):
    """A graph's constants by name, "tower." left out, as fp32 where they are floats."""
    tensors = {}
    for entry in onnx.load(str(file)).graph.initializer:
        value = torch.from_numpy(np.array(to_array(entry)))
        tensors[entry.name.removeprefix("tower.")] = value.float() if value.is_floating_point() else value
    return tensors


def open_image(folder, image, pixels):
    """Fills an image tower. `pixels` [n, 3, 64, 64]: pictures whose statistics the batch normalisations take on."""
    held = weights(Path(folder) / "onnx" / "vision_model.onnx")
    pairs, at = [], 0
    for part in image.body:
        if isinstance(part, nn.BatchNorm2d):
            continue
        if isinstance(part, nn.Conv2d):
            pairs.append((f"body.{at}", part, image.body[list(image.body).index(part) + 1]))
        if isinstance(part, Block):
            pairs += [(f"body.{at}.c1", part.c1, part.b1), (f"body.{at}.c2", part.c2, part.b2)]
            if part.skip is not None:
                pairs.append((f"body.{at}.skip.0", part.skip[0], part.skip[1]))
        at += 1

    def settle(norm, given):
        # The same map as before, now through the mean and spread of what it is given.
        variance, mean = torch.var_mean(given[0], dim=(0, 2, 3), unbiased=False)
        norm.running_mean.copy_(mean), norm.running_var.copy_(variance)
        norm.weight.data = (variance + norm.eps).sqrt()
        norm.bias.data = norm.bias.data + mean

    hooks = []
    with torch.no_grad():
        for name, convolution, norm in pairs:
            convolution.weight.copy_(held.pop(name + ".weight"))
            norm.bias.copy_(held.pop(name + ".bias"))
            hooks.append(norm.register_forward_pre_hook(settle))
        missing, strange = image.load_state_dict(held, strict=False)
        assert not strange and all(name.startswith("body.") for name in missing), (missing, strange)
        image.eval()(pixels)
    for hook in hooks:
        hook.remove()
    image.train()


def open_text(folder, text):
    """Fills a text tower: the map is the least-squares fit of the rows to the words' vectors, the difference the rest."""
    held = weights(Path(folder) / "onnx" / "text_model.onnx")
    rows = held.pop("table").float() * held.pop("step")
    assert rows.shape == text.difference.weight.shape, "the folder's vocabulary is another"
    with torch.no_grad():
        known = text.vectors.abs().sum(1) > 0
        v = text.vectors[known].double()
        fit = torch.linalg.solve(v.t() @ v + torch.eye(v.shape[1]).double(), v.t() @ rows[known].double()).float()
        text.map.weight.copy_(fit.t())
        text.difference.weight.copy_(rows - text.vectors @ fit)
        missing, strange = text.load_state_dict(held, strict=False)
        assert not strange and set(missing) <= {"vectors", "map.weight", "difference.weight"}, (missing, strange)


Known = collections.namedtuple("Known", "seen log scale tokens")


def known(folder):
    """Pictures seen, the log so far, the logarithm of the logit scale and the tokens in their order."""
    folder = Path(folder)
    said = json.loads((folder / "training.json").read_text())
    scale = json.loads((folder / "config.json").read_text())["logit_scale_init_value"]
    tokens = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    return Known(said["pictures_seen"], said["log"], scale, sorted(tokens, key=tokens.get))
