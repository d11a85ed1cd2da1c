"""What a picture may be called: its name, other names, words that go with it, how it is drawn."""

import collections
import json
import random

from data import COLOUR_NAMES, FILLED, FOLDER, OUTLINE

STOP = set("a an the of to for in on with and my me i it is this that icon symbol sign emoji picture image drawing logo illustration background".split())
STYLES = {OUTLINE: ["outline", "outlined", "line", "stroke", "hollow"], FILLED: ["filled", "solid", "fill", "glyph"]}
ALIASES = {"gray": ["gray", "grey"], "purple": ["purple", "purple", "violet"], "teal": ["teal", "teal", "turquoise"], "pink": ["pink", "pink", "rose"]}
LOOK_WORDS = set(COLOUR_NAMES) | {w for v in STYLES.values() for w in v} | {w for v in ALIASES.values() for w in v} | {"coloured", "colored"}
TEMPLATES = (
    ["{} icon"] * 4 + ["a {} icon", "an icon of a {}", "icon of {}", "a {}", "the {}", "a picture of a {}", "picture of {}", "{} symbol", "an image of {}", "drawing of a {}", "i need a {} icon", "icon for {}"]
)
COLOUR_TEMPLATES = ["an emoji of {}", "{} emoji", "an illustration of a {}", "{} illustration", "clip art of {}", "a colourful {}"]


def dropped(text, chance):
    parts = text.split()
    if len(parts) > 2 and random.random() < chance:
        parts.pop(random.randrange(len(parts)))
    return " ".join(parts)


def forms(word):
    """Other forms that a noun or verb may have: spelled by rule, so some are no words."""
    stem = word[:-1] if word.endswith("e") else word
    many = word[:-1] + "ies" if word.endswith("y") else word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")
    out = [many, stem + "ing", stem + "ed", stem + "er"]
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            out += [word[: -len(ending)], word[: -len(ending)] + "e"]
    return out


class Captions:
    def __init__(self, pictures):
        self.pictures = pictures
        self.others = json.loads((FOLDER / "thesaurus.json").read_text())
        self.known = set(json.loads((FOLDER / "vectors.json").read_text()))
        dictionary = json.loads((FOLDER / "words.json").read_text())
        self.words = {
            name: (
                [a for a in entry["alias"] if len(a.split()) <= 8][:24],
                [t for t in entry["tags"] if len(t.split()) <= 5 and t not in ("new", "brand")][:32],
                entry["synonyms"],
                entry["hypernyms"],
            )
            for name, entry in dictionary.items()
        }
        self.instead = {
            name: [w for w in [*alias, *tags, *synonyms] if len(w.split()) <= 2]
            for name, (alias, tags, synonyms, _) in self.words.items()
            if " " not in name and name not in STOP
        }
        self.bags = {}

    def bag(self, i):
        """Every word that fits picture i."""
        row = self.pictures.rows[i]
        key = (row["base"], row["set"] == "openclipart" and i)
        if key not in self.bags:
            alias, tags, synonyms, hypernyms = self.words[row["base"]]
            some = set(row["base"].split())
            for phrase in [*alias, *tags, *synonyms, *hypernyms, *row["keywords"]]:
                some |= set(phrase.split())
            for word in self.replaceable(row["base"]):
                for phrase in self.instead[word]:
                    some |= set(phrase.split())
            self.bags[key] = some - STOP
        return self.bags[key]

    def replaceable(self, name):
        """Words of a longer name that are names of their own, with other words for them."""
        parts = name.split()
        return [word for word in parts if len(word) > 2 and self.instead.get(word)] if len(parts) > 1 else []

    def counts(self, rows):
        """How often each word may occur in captions of these pictures."""
        count = collections.Counter()
        for i in rows:
            for word in self.pictures.rows[i]["base"].split():
                count[word] += 2
        for name in {self.pictures.rows[i]["base"] for i in rows}:
            for kind in self.words[name]:
                for phrase in kind:
                    count.update(phrase.split())
        for i in rows:
            for phrase in [*self.pictures.rows[i]["keywords"], *self.pictures.rows[i]["looks"], *self.pictures.rows[i]["styles"]]:
                count.update(phrase.split())
        for text in [*TEMPLATES, *COLOUR_TEMPLATES, *COLOUR_NAMES, *LOOK_WORDS, *STOP]:
            for word in text.replace("{}", "").split():
                count[word] += 1000
        return count

    def name(self, i):
        """A text near the picture's name."""
        row = self.pictures.rows[i]
        alias, tags, synonyms, _ = self.words[row["base"]]
        base, r = row["base"], random.random()
        if r < 0.14 and alias:
            return dropped(random.choice(alias), 0.05)
        if r < 0.24 and (tags or row["keywords"]):
            return base + " " + random.choice(tags or row["keywords"])
        if r < 0.3 and synonyms:
            return random.choice(synonyms)
        return dropped(base, 0.12)

    def reworded(self, text):
        """The text, sometimes with one of its words in another form or as WordNet has it: words that no tag has."""
        r = random.random()
        if r > 0.16 or not text:
            return text
        parts = text.split()
        at = random.randrange(len(parts))
        word = parts[at]
        if len(word) > 2 and word not in STOP:
            others = self.others.get(word, []) if r < 0.08 else [form for form in forms(word) if form in self.known]
            if others:
                parts[at] = random.choice(others)
        return " ".join(parts)

    def meaning(self, i):
        """A text about what the picture means, which need not name it."""
        return self.reworded(self._meaning(i))

    def _meaning(self, i):
        row = self.pictures.rows[i]
        alias, tags, synonyms, hypernyms = self.words[row["base"]]
        tags = tags + row["keywords"]
        kinds = []
        if alias:
            kinds += ["alias"] * 4
        if tags:
            kinds += ["tags"] * 6
        if synonyms or hypernyms:
            kinds += ["net"] * 2
        part = self.replaceable(row["base"])
        if part:
            kinds += ["part"] * 4
        if row["categories"]:
            kinds += ["category"]
        if not kinds or random.random() < 0.2:
            return self.name(i)
        kind = random.choice(kinds)
        if kind == "alias":
            return random.choice(alias)
        if kind == "tags":
            return " ".join(random.sample(tags, min(len(tags), random.choice((1, 1, 1, 2, 2, 3, 4)))))
        if kind == "net":
            return random.choice(synonyms * 2 + hypernyms)
        if kind == "part":
            word = random.choice(part)
            other = random.choice(self.instead[word])
            return other if random.random() < 0.4 else " ".join(other if w == word else w for w in row["base"].split())
        text = random.choice(row["categories"])
        return text + " " + row["base"] if random.random() < 0.7 else text

    def draw(self, i, ink, paper, name_colour=False):
        """Two captions of picture i drawn with these colours.

        Each is (text, colour or -1, style or -1, contradiction or None): what it demands of a picture besides the
        thing, and the same text with that demand turned round.
        """
        return self._dress(self.name(i), i, ink, paper, name_colour), self._dress(self.meaning(i), i, ink, paper, False)

    def _dress(self, text, i, ink, paper, name_colour):
        row = self.pictures.rows[i]
        known = int(self.pictures.style[i])
        tint = int(self.pictures.tint[i])
        colour, style, against = -1, -1, None
        r = random.random()
        thing = text
        if ink >= 0 and (name_colour or r < 0.22):
            form = random.choice(("{c} {t}", "{c} {t}", "{c} {t}", "{t} in {c}", "{c} coloured {t}"))
            other = random.choice([c for c in range(len(COLOUR_NAMES)) if c != ink])
            say = lambda c: form.format(c=random.choice(ALIASES.get(COLOUR_NAMES[c], [COLOUR_NAMES[c]])), t=thing)
            colour, text, against = ink, say(ink), say(other)
        elif tint >= 0 and r < 0.15 and not set(text.split()) & LOOK_WORDS:
            other = random.choice([c for c in range(len(COLOUR_NAMES)) if c != tint])
            text, against = COLOUR_NAMES[tint] + " " + thing, COLOUR_NAMES[other] + " " + thing
        elif known >= 0 and 0.22 <= r < 0.38:
            form = random.choice(("{s} {t}", "{s} {t}", "{t} {s}", "{s} style {t}"))
            style, text = known, form.format(s=random.choice(STYLES[known]), t=thing)
            against = form.format(s=random.choice(STYLES[1 - known]), t=thing)
        elif 0.38 <= r < 0.46 and (row["styles"] or row["looks"]):
            text = text + " " + random.choice([*row["styles"], *row["looks"]])
        if paper >= 0 and against is None and random.random() < 0.25:
            other = random.choice([c for c in range(len(COLOUR_NAMES)) if c != paper])
            form = random.choice(("{t} on {c}", "{t} on {c} background", "{t} on a {c} background"))
            text, against = form.format(t=text, c=COLOUR_NAMES[paper]), form.format(t=text, c=COLOUR_NAMES[other])
            colour = 100 + paper
        if random.random() < 0.22:
            template = random.choice(COLOUR_TEMPLATES if row["coloured"] and random.random() < 0.5 else TEMPLATES)
            text = template.format(text)
            against = against and template.format(against)
        return text, colour, style, against
