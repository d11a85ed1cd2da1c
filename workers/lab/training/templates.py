"""A baseline without learning: rank pictures by their pixels' cosine to the training drawings of the asked name.

`python3 templates.py` prints R@1, R@5, R@10 on lucide. It answers nothing but names that training has drawings of.
"""

import numpy as np

from data import Pictures


def unit(masks):
    """Masks [n, 64, 64] as rows of mean 0 and length 1."""
    flat = masks.reshape(len(masks), -1).astype(np.float32)
    flat -= flat.mean(1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


def main():
    pictures = Pictures()
    by_name = {}
    for i in pictures.train:
        if not pictures.coloured[i]:
            by_name.setdefault(pictures.rows[i]["base"], []).append(i)
    rows = pictures.sets["lucide"]
    gallery = unit(pictures.shapes[pictures.at[rows]])
    names = [pictures.rows[i]["base"] for i in rows]
    ranks = []
    for name in sorted(set(names)):
        drawn = by_name.get(name, [])
        if not drawn:
            ranks.append(len(rows))
            continue
        # Several drawings of a name: the best fitting and the mean agree worst where one is odd, so both count.
        scores = gallery @ unit(pictures.shapes[pictures.at[drawn]]).T
        scores = scores.max(1) + scores.mean(1)
        best = max(scores[k] for k, other in enumerate(names) if other == name)
        ranks.append(1 + int((scores > best).sum()))
    ranks = np.array(ranks)
    print("lucide, pixel templates:", ", ".join(f"R@{k} {100 * (ranks <= k).mean():.1f}" for k in (1, 5, 10)))


if __name__ == "__main__":
    main()
