"""The two towers. Operations are those that the gradient rules of workers/autodiff cover."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    """Residual block of two 3 x 3 convolutions (He et al. 2016)."""

    def __init__(self, inward, outward, stride=1):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(inward, outward, 3, stride, 1, bias=False), nn.BatchNorm2d(outward)
        self.c2, self.b2 = nn.Conv2d(outward, outward, 3, 1, 1, bias=False), nn.BatchNorm2d(outward)
        nn.init.zeros_(self.b2.weight)
        self.stride = stride
        self.skip = None
        if stride != 1 or inward != outward:
            self.skip = nn.Sequential(nn.Conv2d(inward, outward, 1, bias=False), nn.BatchNorm2d(outward))

    def forward(self, x):
        y = self.b2(self.c2(F.relu(self.b1(self.c1(x)))))
        if self.skip is not None:
            x = self.skip(F.avg_pool2d(x, 2) if self.stride == 2 else x)
        return F.relu(x + y)


class Layer(nn.Module):
    """Transformer layer, normalisation first."""

    def __init__(self, width, heads, widen=4):
        super().__init__()
        self.heads = heads
        self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, widen * width), nn.Linear(widen * width, width)
        with torch.no_grad():
            self.out.weight.mul_(0.5)
            self.down.weight.mul_(0.5)

    def forward(self, x, bias=None):
        n, t, d = x.shape
        q, k, v = self.qkv(self.n1(x)).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        scores = torch.matmul(q, k.transpose(-1, -2)) * (1 / math.sqrt(d // self.heads))
        if bias is not None:
            scores = scores + bias
        x = x + self.out(torch.matmul(torch.softmax(scores, -1), v).transpose(1, 2).reshape(n, t, d))
        return x + self.down(F.gelu(self.up(self.n2(x))))


class ImageTower(nn.Module):
    """[n, 3, 64, 64] in [-1, 1] to [n, size], length 1: a stem of stride 4, three stages, a transformer layer on 4 x 4."""

    def __init__(self, size=256, widths=(48, 96, 256), blocks=(1, 1, 2), layers=1):
        super().__init__()
        half = widths[0] // 2
        parts = [nn.Conv2d(3, half, 3, 2, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU()]
        parts += [nn.Conv2d(half, widths[0], 3, 2, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()]
        inward = widths[0]
        for stage, (width, count) in enumerate(zip(widths, blocks)):
            for block in range(count):
                parts.append(Block(inward, width, 2 if block == 0 and stage > 0 else 1))
                inward = width
        self.body = nn.Sequential(*parts)
        self.position = nn.Parameter(torch.zeros(1, inward, 4, 4))
        self.layers = nn.ModuleList([Layer(inward, inward // 64, 2) for _ in range(layers)])
        self.norm = nn.LayerNorm(inward)
        self.project = nn.Linear(inward, size, bias=False)

    def forward(self, x):
        x = (self.body(x) + self.position).flatten(2).transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
        return F.normalize(self.project(self.norm(x.mean(1).float())).float(), dim=-1)


class TextTower(nn.Module):
    """Token ids [n, t], 0 is padding, to [n, size], length 1.

    A token is its word's pretrained vector through a learned map, plus a learned difference. The difference is left
    out now and then in training, so that words which no caption has keep a meaning.
    """

    def __init__(self, vectors, size=256, width=192, layers=2, longest=24):
        super().__init__()
        self.register_buffer("vectors", vectors)
        self.map = nn.Linear(vectors.shape[1], width, bias=False)
        nn.init.normal_(self.map.weight, std=0.05)
        self.difference = nn.Embedding(vectors.shape[0], width)
        nn.init.normal_(self.difference.weight, std=0.03)
        self.position = nn.Parameter(torch.randn(longest, width) * 0.02)
        self.layers = nn.ModuleList([Layer(width, 4, 2) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, size, bias=False)

    def embed(self, ids, drop=0.0):
        vector = F.embedding(ids, self.vectors)
        own = self.difference(ids)
        if drop:
            lost = (torch.rand(ids.shape) < drop) & (vector[..., 0] != 0)
            own = own * (~lost)[..., None]
        return self.map(vector) + own

    def forward(self, ids, drop=0.0):
        return self.encode(self.embed(ids, drop), ids)

    def encode(self, x, ids):
        there = (ids != 0).float()
        x = x + self.position[: ids.shape[1]]
        bias = (1 - there)[:, None, None, :] * -1e4
        for layer in self.layers:
            x = layer(x, bias)
        x = (self.norm(x) * there[..., None]).sum(1) / there.sum(1, keepdim=True).clamp(min=1)
        return F.normalize(self.project(x).float(), dim=-1)
