"""What pack.ts drew: the pictures, how they are split, and batches of them as tensors."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

FOLDER = Path(os.environ.get("LIMN_LAB_DATA", Path(__file__).parent.parent / "data"))
EDGE = 64
HOLD_OUTS = ("lucide", "fluent-emoji-flat")

# The twelve basic colour terms, as drawn. Order is the colour's number everywhere.
COLOURS = {
    "red": (220, 38, 38), "green": (34, 160, 70), "blue": (37, 99, 235), "yellow": (250, 204, 21),
    "orange": (249, 115, 22), "purple": (147, 51, 234), "pink": (244, 114, 182), "black": (10, 10, 10),
    "white": (250, 250, 250), "gray": (128, 128, 128), "brown": (121, 72, 42), "teal": (20, 170, 170),
}
COLOUR_NAMES = list(COLOURS)
RGB = torch.tensor(list(COLOURS.values())).float() / 255
OUTLINE, FILLED = 0, 1


def share(text):
    """A number in [0, 1) that depends on the text alone."""
    return int(hashlib.md5(text.encode()).hexdigest()[:8], 16) / 2**32


def held_out(name):
    """Whether a name is one of the 1 % whose pictures no training sees."""
    return share("hold:" + name) < 0.01


class Pictures:
    """All packed pictures. `train`, `held` (held-out names) and `sets[prefix]` (hold-outs) are lists of row numbers."""

    def __init__(self):
        self.rows = json.loads((FOLDER / "pictures.json").read_text())
        self.shapes = np.memmap(FOLDER / "shapes.u8", dtype=np.uint8, mode="r").reshape(-1, EDGE, EDGE)
        self.colours = np.memmap(FOLDER / "colours.u8", dtype=np.uint8, mode="r").reshape(-1, EDGE, EDGE, 4)
        self.at = np.array([row["at"] for row in self.rows])
        self.coloured = np.array([row["coloured"] for row in self.rows])
        self.sets = {name: [] for name in HOLD_OUTS}
        self.held, self.train = [], []
        for i, row in enumerate(self.rows):
            if row["set"] in self.sets:
                self.sets[row["set"]].append(i)
            elif held_out(row["base"]):
                self.held.append(i)
            else:
                self.train.append(i)
        copies = self._cached("copies.npy", self._copies)
        drop = set(copies.tolist())
        self.train = [i for i in self.train if i not in drop]
        self.style, self.tint = self._cached("looks.npy", self._looks)

    def _cached(self, file, make):
        path = FOLDER / file
        stamp = len(self.rows)
        if path.exists():
            stored = np.load(path, allow_pickle=True).item()
            if stored["rows"] == stamp:
                return stored["value"]
        value = make()
        np.save(path, {"rows": stamp, "value": value}, allow_pickle=True)
        return value

    def grey(self, rows, size=32):
        """Ink of the pictures, black on white, [n, size * size], mean removed, length 1."""
        out = []
        for k in range(0, len(rows), 4096):
            part = np.array(rows[k : k + 4096])
            ink = torch.zeros(len(part), 1, EDGE, EDGE)
            flat = ~self.coloured[part]
            ink[flat, 0] = torch.from_numpy(self.shapes[self.at[part[flat]]].astype(np.float32)) / 255
            if (~flat).any():
                rgba = torch.from_numpy(self.colours[self.at[part[~flat]]].astype(np.float32)) / 255
                light = rgba[..., :3] @ torch.tensor([0.3, 0.59, 0.11])
                ink[~flat, 0] = (1 - light) * rgba[..., 3]
            small = F.adaptive_avg_pool2d(ink, size).flatten(1)
            small = small - small.mean(1, keepdim=True)
            out.append(F.normalize(small, dim=1))
        return torch.cat(out)

    def _copies(self):
        """Training pictures that are nearly a hold-out's drawing (cosine of the pixels >= 0.95)."""
        targets = self.grey([i for name in HOLD_OUTS for i in self.sets[name]])
        found = []
        for k in range(0, len(self.train), 8192):
            part = self.train[k : k + 8192]
            near = (self.grey(part) @ targets.t()).amax(1) >= 0.95
            found += [part[j] for j in near.nonzero()[:, 0].tolist()]
        return np.array(found, dtype=np.int64)

    def _looks(self):
        """Outline or filled (shapes; -1: neither clearly), and the one colour of a picture (colours; -1: many)."""
        style = np.full(len(self.rows), -1, dtype=np.int8)
        tint = np.full(len(self.rows), -1, dtype=np.int8)
        flat = np.where(~self.coloured)[0]
        for k in range(0, len(flat), 4096):
            part = flat[k : k + 4096]
            mask = (torch.from_numpy(self.shapes[self.at[part]]) > 127).float()[:, None]
            # What is left when 3 px are taken off every edge: nothing of a stroke, most of a solid.
            left = -F.max_pool2d(-mask, 7, 1, 3)
            rest = (left.sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp(min=1)).numpy()
            style[part[rest < 0.02]] = OUTLINE
            style[part[rest > 0.25]] = FILLED
        coloured = np.where(self.coloured)[0]
        for k in range(0, len(coloured), 1024):
            part = coloured[k : k + 1024]
            rgba = torch.from_numpy(self.colours[self.at[part]].astype(np.float32)).flatten(1, 2) / 255
            nearest = torch.cdist(rgba[..., :3], RGB[None]).argmin(2)
            weight = rgba[..., 3] > 0.5
            votes = torch.stack([((nearest == c) & weight).sum(1) for c in range(len(RGB))], 1).float()
            best, which = votes.max(1)
            sure = (best / weight.sum(1).clamp(min=1) > 0.7).numpy()
            tint[part[sure]] = which.numpy()[sure]
        return np.stack([style, tint])

    def _rgba(self, rows):
        rows = np.array(rows)
        flat = ~self.coloured[rows]
        out = torch.zeros(len(rows), 4, EDGE, EDGE)
        if flat.any():
            out[flat, 3] = torch.from_numpy(self.shapes[self.at[rows[flat]]].astype(np.float32)) / 255
        if (~flat).any():
            rgba = torch.from_numpy(self.colours[self.at[rows[~flat]]].astype(np.float32)) / 255
            rgba[..., :3] *= rgba[..., 3:]  # premultiplied: a scaled picture keeps clean edges
            out[~flat] = rgba.permute(0, 3, 1, 2)
        return out, torch.from_numpy(flat)

    def plain(self, rows, ink=(0.0, 0.0, 0.0), paper=(1.0, 1.0, 1.0)):
        """Pictures as evaluation sees them: [n, 3, 64, 64] in [-1, 1]; shapes drawn with `ink` on `paper`."""
        rgba, flat = self._rgba(rows)
        return compose(rgba, flat, torch.tensor(ink).expand(len(rows), 3), torch.tensor(paper).expand(len(rows), 3))

    def augmented(self, rows, twins=0):
        """Training pictures: moved, turned, scaled, in colours. Returns pictures, ink and paper colour numbers (-1: none to name).

        The last `twins` rows repeat earlier shapes: both get a colour to name, and not the same one.
        """
        rgba, flat = self._rgba(rows)
        n = len(rows)
        scale = torch.empty(n).uniform_(0.95, 1.45)
        angle = (torch.rand(n) < 0.35) * torch.empty(n).uniform_(-0.2, 0.2)
        aspect = torch.empty(n).uniform_(0.94, 1.06)
        shift = torch.empty(n, 2).uniform_(-1, 1) * ((scale - 1).clamp(min=0)[:, None] * 0.8 + 0.06)
        c, s = torch.cos(angle) * scale, torch.sin(angle) * scale
        affine = torch.stack([torch.stack([c * aspect, -s, shift[:, 0]], 1), torch.stack([s, c / aspect, shift[:, 1]], 1)], 1)
        grid = F.affine_grid(affine, (n, 4, EDGE, EDGE), align_corners=False)
        rgba = F.grid_sample(rgba, grid, mode="bilinear", align_corners=False)

        k, r, u = torch.randint(0, len(RGB), (n,)), torch.rand(n, 1), torch.rand(n, 3)
        paper = torch.where(r < 0.6, torch.ones(n, 3), torch.where(r < 0.7, u * 0.15, torch.where(r < 0.87, RGB[k], u)))
        paper_name = torch.where((r[:, 0] >= 0.7) & (r[:, 0] < 0.87), k, torch.full((n,), -1))
        j, q = torch.randint(0, len(RGB), (n,)), torch.rand(n, 1)
        if twins:
            q[-twins:] = 0.6
            r[-twins:], paper[-twins:], paper_name[-twins:] = 0, 1.0, -1
            white = COLOUR_NAMES.index("white")
            j[-twins:] = torch.where(j[-twins:] == white, 0, j[-twins:])
        named = (RGB[j] + torch.randn(n, 3) * 0.04).clamp(0, 1)
        ink = torch.where(q < 0.5, torch.rand(n, 1) * 0.25 * torch.ones(1, 3), torch.where(q < 0.88, named, torch.rand(n, 3)))
        luma = torch.tensor([0.3, 0.59, 0.11])
        contrast = ((ink - paper) @ luma).abs() + 0.5 * (ink - paper).abs().amax(1)
        lost = contrast < 0.3
        ink[lost] = ((paper[lost] @ luma) < 0.5).float()[:, None].expand(-1, 3) * 0.95
        black = COLOUR_NAMES.index("black")
        ink_name = torch.where((q[:, 0] >= 0.5) & (q[:, 0] < 0.88), j, torch.full((n,), -1))
        ink_name = torch.where((q[:, 0] < 0.5) & (torch.rand(n) < 0.3), torch.full((n,), black), ink_name)
        ink_name[lost | ~flat] = -1
        return compose(rgba, flat, ink, paper), ink_name, paper_name


def compose(rgba, flat, ink, paper):
    alpha, rgb = rgba[:, 3:4], rgba[:, :3].clone()
    rgb[flat] = alpha[flat] * ink[flat][:, :, None, None]
    return ((rgb + (1 - alpha) * paper[:, :, None, None]) * 2 - 1).contiguous(memory_format=torch.channels_last)
