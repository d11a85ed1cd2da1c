"""WordPiece over plain English words, the same that tokenizer.json describes."""

import collections
import json
import re
import unicodedata

import numpy as np

from data import FOLDER

LONGEST = 24
PAD, UNKNOWN = 0, 1


def words(text):
    text = unicodedata.normalize("NFD", text.lower())
    text = "".join(c for c in text if unicodedata.category(c) != "Mn")
    return re.findall(r"[a-z0-9]+|[^\sa-z0-9]", text)


def build_vocabulary(counts, size=42_000, common=26_000, pieces=1_500):
    """Every word of the captions that fits, the commonest words of English, and pieces for the rest.

    `counts`: how often a word occurs in training.
    """
    english = json.loads((FOLDER / "vectors.json").read_text())
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    tails = collections.Counter()
    for word, n in counts.items():
        for length in (2, 3, 4, 5):
            for at in range(1, len(word) - length + 1):
                tails["##" + word[at : at + length]] += min(n, 5) * (length - 1)
    continued = ["##" + c for c in letters] + [piece for piece, _ in tails.most_common(pieces)]
    chosen = dict.fromkeys(list(letters))
    for word, n in counts.most_common():
        if n >= 2:
            chosen.setdefault(word)
    for word in english[:common]:
        chosen.setdefault(word)
    for word, _ in counts.most_common():
        chosen.setdefault(word)
    kept = list(chosen)[: size - len(continued) - 2]
    keep_vocabulary(["[PAD]", "[UNK]"] + kept + continued)


def keep_vocabulary(vocabulary):
    """Writes vocabulary.json and, row for row, vocabulary.npy: the word's vector (100 numbers, length 1; zeros for a
    piece or a word without one)."""
    where = {word: at for at, word in enumerate(json.loads((FOLDER / "vectors.json").read_text()))}
    table = np.fromfile(FOLDER / "vectors.f32", dtype=np.float32).reshape(-1, 100)
    vectors = np.zeros((len(vocabulary), 100), dtype=np.float32)
    for at, token in enumerate(vocabulary):
        if token in where:
            vectors[at] = table[where[token]] / (np.linalg.norm(table[where[token]]) + 1e-9)
    (FOLDER / "vocabulary.json").write_text(json.dumps(vocabulary))
    np.save(FOLDER / "vocabulary.npy", vectors)


class Tokenizer:
    def __init__(self, vocabulary):
        self.ids = {token: at for at, token in enumerate(vocabulary)}
        self.known = {}

    @staticmethod
    def load():
        return Tokenizer(json.loads((FOLDER / "vocabulary.json").read_text()))

    def word(self, word):
        """Ids of one word: the longest piece first, [UNK] where some part has none."""
        if word not in self.known:
            out, at = [], 0
            while at < len(word):
                end = len(word)
                while end > at and (("##" if at else "") + word[at:end]) not in self.ids:
                    end -= 1
                if end == at:
                    out = [UNKNOWN]
                    break
                out.append(self.ids[("##" if at else "") + word[at:end]])
                at = end
            self.known[word] = out
        return self.known[word]

    def __call__(self, texts):
        """Texts as an int64 array [n, longest], padded with 0."""
        rows = [[i for word in words(text) for i in self.word(word)][:LONGEST] or [UNKNOWN] for text in texts]
        out = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
        for at, row in enumerate(rows):
            out[at, : len(row)] = row
        return out
