"""Trains both towers on what pack.ts and glossary.ts wrote. `python3 train.py --help` tells the options.

The learning rate is flat and falls only in the last part (`--cooldown`), so that a run can be prolonged: what is
saved as trunk.pt before the fall is where `--resume` goes on. Without a checkpoint, `--from` begins with an exported model.
"""

import argparse
import hashlib
import json
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from captions import LOOK_WORDS, STOP, Captions
from data import FOLDER, Pictures
from model import ImageTower, TextTower
from resume import known, open_image, open_text
from tokens import Tokenizer, build_vocabulary, keep_vocabulary

BAG = 2048  # words are hashed into this many columns to compare captions with pictures


def options():
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--run", default="main", help="folder of checkpoints and the log, under runs/")
    ask.add_argument("--samples", type=float, default=10e6, help="pictures to see in all")
    ask.add_argument("--cooldown", type=float, default=2e6, help="pictures over which the learning rate falls to zero")
    ask.add_argument("--batch", type=int, default=512)
    ask.add_argument("--rate", type=float, default=1.5e-3)
    ask.add_argument("--threads", type=int, default=2)
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--resume", help="a checkpoint to go on from; the run's own last.pt is taken without asking")
    ask.add_argument("--from", dest="folder", help="an exported model folder to begin with, where no checkpoint is left")
    ask.add_argument("--every", type=float, default=8, help="minutes between checkpoints with an evaluation")
    ask.add_argument("--auxiliary", type=float, default=1.0, help="weight of the words-from-picture loss")
    ask.add_argument("--robust", type=float, default=0.0, help="how far pictures are moved against the model, at most: length of the change, pixels in [-1, 1]")
    return ask.parse_args()


def targets(drawn, texts_of, rows, captions, ink, style):
    """Which texts belong to which pictures: two bool matrices [texts, pictures], positive and ignored.

    A text belongs to its own picture and to every other of the same name that is drawn as the text demands. Pictures
    for which it may be true as well (all its words fit, or a demand is unknown) are neither right nor wrong.
    """
    n, t = len(rows), len(drawn)
    texts = [text for text, *_ in drawn]
    number = {}
    base = torch.tensor([number.setdefault(captions.pictures.rows[i]["base"], len(number)) for i in rows])
    text_id = torch.tensor([number.setdefault("text:" + text, len(number)) for text in texts])
    image_of = torch.tensor(texts_of)
    same = base[image_of][:, None] == base[None]
    same_text = text_id[:, None] == text_id[None]
    shared = torch.zeros(t, n, dtype=torch.bool)
    pairs = same_text.nonzero()
    shared[pairs[:, 0], image_of[pairs[:, 1]]] = True

    colour = torch.tensor([c for _, c, _, _ in drawn])
    want = torch.tensor([s for _, _, s, _ in drawn])
    match = torch.ones(t, n, dtype=torch.bool)
    clash = torch.zeros(t, n, dtype=torch.bool)
    asks_ink = ((colour >= 0) & (colour < 100))[:, None]
    match &= ~asks_ink | (ink[None] == colour[:, None])
    clash |= asks_ink & (ink[None] >= 0) & (ink[None] != colour[:, None])
    asks_paper = (colour >= 100)[:, None]
    match &= ~asks_paper
    asks_style = (want >= 0)[:, None]
    match &= ~asks_style | (style[None] == want[:, None])
    clash |= asks_style & (style[None] >= 0) & (style[None] != want[:, None])

    own = torch.zeros(t, n, dtype=torch.bool)
    own[torch.arange(t), image_of] = True
    positive = (same & match) | (shared & match) | own
    said = torch.zeros(t, BAG)
    for k, text in enumerate(texts):
        for word in text.split():
            if word not in STOP and word not in LOOK_WORDS:
                said[k, column(word)] = 1
    fits = torch.zeros(n, BAG)
    for k, i in enumerate(rows):
        fits[k, [column(word) for word in captions.bag(i)]] = 1
    covered = (said @ fits.t()) >= said.sum(1, keepdim=True) - 0.5
    ignored = (covered | same) & ~positive & ~clash
    return positive, ignored


columns = {}


def column(word):
    if word not in columns:
        columns[word] = int(hashlib.md5(word.encode()).hexdigest()[:8], 16) % BAG
    return columns[word]


def opposed(image, x, texts, scale, positive, ignored, reach):
    """The pictures, most of them moved up to `reach` in the direction that raises the loss most.

    A model that has seen such pictures has gradients that follow what is drawn, which is what guidance needs
    (Engstrom et al. 2019, Adversarial Robustness as a Prior for Learned Representations).
    """
    x = x.detach().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        images = image(x)
    logits = ((texts.detach() @ images.t()) * scale).masked_fill(ignored, -1e4)
    p = positive.float()
    loss = -(p * F.log_softmax(logits, 1)).sum(1) / p.sum(1) - (p * F.log_softmax(logits, 0)).sum(1) / p.sum(1)
    slope = torch.autograd.grad(loss.mean(), x)[0]
    length = slope.flatten(1).norm(dim=1).clamp(min=1e-12)
    far = reach * torch.rand(len(x)) * (torch.rand(len(x)) < 0.75)
    return (x + slope * (far / length)[:, None, None, None]).clamp(-1, 1).detach()


class Average:
    """Exponential moving average of the weights, which is what is evaluated and exported."""

    def __init__(self, modules, state=None):
        self.modules = modules
        self.state = state or [{k: v.detach().clone() for k, v in m.state_dict().items() if k != "vectors"} for m in modules]
        self.steps = 0

    @torch.no_grad()
    def update(self):
        self.steps += 1
        keep = min(0.996, (1 + self.steps) / (10 + self.steps))
        for held, module in zip(self.state, self.modules):
            for k, v in module.state_dict().items():
                if k == "vectors":
                    continue
                if v.is_floating_point():
                    held[k].mul_(keep).add_(v, alpha=1 - keep)
                else:
                    held[k].copy_(v)

    def __enter__(self):
        self.saved = [{k: v.clone() for k, v in m.state_dict().items()} for m in self.modules]
        for module, held in zip(self.modules, self.state):
            module.load_state_dict(held, strict=False)
            module.eval()

    def __exit__(self, *_):
        for module, saved in zip(self.modules, self.saved):
            module.load_state_dict(saved)
            module.train()


@torch.no_grad()
def recalls(pictures, tokenizer, image, text):
    """Name to picture on the hold-outs: {set: [R@1, R@10]} in percent. evaluate.ts is the full account."""
    out = {}
    for name, rows in [*pictures.sets.items(), ("held", pictures.held)]:
        vectors = []
        for k in range(0, len(rows), 256):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                vectors.append(image(pictures.plain(rows[k : k + 256])))
        names = [pictures.rows[i]["base"] for i in rows]
        asked = sorted(set(names))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            words = torch.cat([text(torch.from_numpy(tokenizer(asked[k : k + 512]))) for k in range(0, len(asked), 512)])
        scores = words @ torch.cat(vectors).t()
        right = torch.tensor([[n == q for n in names] for q in asked])
        best = scores.masked_fill(~right, -9).amax(1, keepdim=True)
        rank = (scores > best).sum(1)
        out[name] = [round(100 * (rank < k).float().mean().item(), 1) for k in (1, 10)]
    return out


def main():
    o = options()
    torch.set_flush_denormal(True)
    torch.set_num_threads(o.threads)
    for seed in (torch.manual_seed, random.seed, np.random.seed):
        seed(o.seed)
    run = Path(__file__).parent.parent / "runs" / o.run
    run.mkdir(parents=True, exist_ok=True)

    pictures = Pictures()
    captions = Captions(pictures)
    last = Path(o.resume) if o.resume else run / "last.pt"
    resumed = torch.load(last) if last.exists() else None
    counts = captions.counts(pictures.train)
    given = known(o.folder) if o.folder and not resumed else None
    if given:
        keep_vocabulary(given.tokens)
    elif not resumed:
        build_vocabulary(counts)
    tokenizer = Tokenizer.load()
    vectors = torch.from_numpy(np.load(FOLDER / "vocabulary.npy"))
    image, text = ImageTower().to(memory_format=torch.channels_last), TextTower(vectors)
    learned = [w for w, n in counts.most_common(14_000) if n >= 5 and w not in STOP and w not in LOOK_WORDS][:6000]
    word_at = {w: k for k, w in enumerate(learned)}
    auxiliary = torch.nn.Linear(256, len(learned))
    torch.nn.init.normal_(auxiliary.weight, std=0.02)
    scale = torch.nn.Parameter(torch.tensor(math.log(1 / 0.07)))
    modules = [image, text, auxiliary]
    size = lambda m: sum(p.numel() for p in m.parameters()) / 1e6
    print(f"{len(pictures.train)} training pictures, {len(pictures.held)} of held-out names, {len(tokenizer.ids)} tokens; image tower {size(image):.2f} M, text tower {size(text):.2f} M", flush=True)
    heavy = [p for m in modules for n, p in m.named_parameters() if p.ndim >= 2 and "difference" not in n]
    light = [p for m in modules for n, p in m.named_parameters() if p.ndim < 2 or "difference" in n] + [scale]
    optimiser = torch.optim.AdamW([{"params": heavy, "weight_decay": 0.05}, {"params": light, "weight_decay": 0}], lr=o.rate, betas=(0.9, 0.98), eps=1e-6)
    seen, log = 0, []
    if given:
        seen, log = given.seen, given.log
        open_text(o.folder, text)
        open_image(o.folder, image, pictures.plain(random.sample(pictures.train, 512)))
        scale.data.fill_(given.scale)
        print(f"going on from {o.folder} at {seen} pictures", flush=True)
    average = Average([image, text])
    if resumed:
        for module, state in zip(modules, resumed["modules"]):
            module.load_state_dict(state, strict=False)
        average = Average([image, text], resumed["average"])
        average.steps = resumed["steps"]
        optimiser.load_state_dict(resumed["optimiser"])
        scale.data.copy_(resumed["scale"])
        seen, log = resumed["seen"], resumed["log"]
        random.seed(seen), np.random.seed(seen % 2**32), torch.manual_seed(seen)
        print(f"going on from {last} at {seen} pictures", flush=True)

    pool = np.array(pictures.train)
    frequency = {}
    for i in pool:
        frequency[pictures.rows[i]["base"]] = frequency.get(pictures.rows[i]["base"], 0) + 1
    weight = np.array([(2.2 if pictures.coloured[i] else 1.0) * frequency[pictures.rows[i]["base"]] ** -0.15 for i in pool])
    weight /= weight.sum()

    def wanted(i):
        alias, tags, synonyms, hypernyms = captions.words[pictures.rows[i]["base"]]
        found = {word_at[w]: 1.0 for w in pictures.rows[i]["base"].split() if w in word_at}
        for phrases, share_ in ((alias, 0.4), (tags + pictures.rows[i]["keywords"], 0.3), (synonyms, 0.3), (hypernyms[:2], 0.2)):
            for phrase in phrases:
                for w in phrase.split():
                    if w in word_at:
                        found.setdefault(word_at[w], share_)
        return found

    def save(file):
        state = lambda m: {k: v for k, v in m.state_dict().items() if k != "vectors"}
        torch.save({"modules": [state(m) for m in modules], "average": average.state, "steps": average.steps, "optimiser": optimiser.state_dict(), "scale": scale.data, "seen": seen, "log": log}, run / (file + ".new"))
        (run / (file + ".new")).rename(run / file)

    order, twins = [], o.batch // 10
    begun, first, reported, loss_mean = time.time(), seen, time.time(), None
    trunk_saved = seen > o.samples - o.cooldown
    while seen < o.samples:
        ask = run / "cooldown"
        if ask.exists():  # written by hand: cool down now, over this many pictures
            o.cooldown = float(ask.read_text())
            o.samples = seen + o.cooldown
            ask.unlink()
        if not trunk_saved and seen >= o.samples - o.cooldown:
            save("trunk.pt")
            trunk_saved = True
        warm = min(1.0, (seen - first + o.batch) / (100 * o.batch))
        rate = o.rate * warm * min(1.0, max(0.0, (o.samples - seen) / o.cooldown))
        for group in optimiser.param_groups:
            group["lr"] = max(rate, 1e-6)
        if len(order) < o.batch:
            order = list(np.random.choice(pool, size=min(len(pool), 60_000), replace=False, p=weight))
        rows, order = order[: o.batch - twins], order[o.batch - twins :]
        shapes = [i for i in rows if not pictures.coloured[i]][:twins]
        rows = list(rows) + shapes
        x, ink, paper = pictures.augmented(rows, len(shapes))
        drawn, texts_of, pairs, doubled = [], [], [], set(shapes)
        for k, i in enumerate(rows):
            twin = k >= len(rows) - len(shapes) or (i in doubled and random.random() < 0.5)
            pairs.append(captions.draw(i, int(ink[k]), int(paper[k]), twin))
        for which in (0, 1):
            for k in range(len(rows)):
                if which and random.random() < 0.4:
                    continue
                drawn.append(pairs[k][which])
                texts_of.append(k)
        style = torch.tensor(pictures.style[np.array(rows)].astype(np.int64))
        positive, ignored = targets(drawn, texts_of, rows, captions, ink, style)
        against = [(k, caption[3]) for k, caption in zip(texts_of, drawn) if caption[3] and random.random() < 0.6]
        ids = torch.from_numpy(tokenizer([text for text, *_ in drawn] + [text for _, text in against]))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            texts = text(ids, drop=0.15)
        real, sharp = len(drawn), scale.exp().clamp(max=100)
        if o.robust:
            x = opposed(image, x, texts[:real], sharp.detach(), positive, ignored, o.robust * warm)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            images = image(x)
        logits = (texts @ images.t()) * sharp
        forward = logits[:real].masked_fill(ignored, -1e4)
        only = torch.full((len(against), len(rows)), -1e4)
        own = torch.arange(len(against)), torch.tensor([k for k, _ in against], dtype=torch.long)
        only[own] = logits[real:][own]
        backward = torch.cat([forward, only])
        p = positive.float()
        to_image = -(p * F.log_softmax(forward, 1)).sum(1) / p.sum(1)
        to_text = -(p * F.log_softmax(backward, 0)[:real]).sum(0) / p.sum(0)
        contrast = (to_image.mean() + to_text.mean()) / 2
        aim = torch.zeros(len(rows), len(learned))
        for k, i in enumerate(rows):
            found = wanted(i)
            if found:
                aim[k, list(found)] = torch.tensor(list(found.values()))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            guess = auxiliary(images * 16)
        words_loss = -(aim / aim.sum(1, keepdim=True).clamp(min=1e-6) * F.log_softmax(guess.float(), 1)).sum(1).mean()
        loss = contrast + o.auxiliary * words_loss
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(heavy, 1.0)
        optimiser.step()
        seen += len(rows)
        if (seen // o.batch) % 2 == 0:
            average.update()
        loss_mean = contrast.item() if loss_mean is None else loss_mean * 0.98 + 0.02 * contrast.item()
        steps_now = (seen - first) // o.batch
        if steps_now % 50 == 0 or steps_now == 3:
            print(f"{seen / 1e6:.3f} M of {o.samples / 1e6:.2f} M pictures, loss {loss_mean:.3f}, words {words_loss.item():.3f}, temperature {scale.exp().item():.1f}, rate {rate:.1e}, {(seen - first) / (time.time() - begun):.0f}/s", flush=True)
        if time.time() - reported > o.every * 60 or seen >= o.samples:
            with average:
                found = recalls(pictures, tokenizer, image, text)
            log.append({"seen": seen, "minutes": round((time.time() - begun) / 60, 1), "loss": round(loss_mean, 3), "rate": rate, **found})
            (run / "log.json").write_text(json.dumps(log, indent=1))
            print("recall", json.dumps(log[-1]), flush=True)
            save("last.pt")
            reported = time.time()
    save("final.pt")


if __name__ == "__main__":
    main()
