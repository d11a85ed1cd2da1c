"""python3 main.py [IMAGE ...]"""
import os
import sys
from itertools import islice
from pathlib import Path

from limn import Limn
from operations import add, draw, search

limn = Limn(os.environ.get("LIMN_URL"), os.environ.get("LIMN_KEY"))

for score, node in islice(search(limn, "birthday party", first=3), 6):
    print(f"{score:.3f} {node['name']}")

for image in map(Path, sys.argv[1:]):
    [result] = add(limn, [(image.name, image.read_bytes())], tags=["from Python"])
    print(f"added {result['asset']['id']}" if "asset" in result else result["message"])

for drawing in draw(limn, prompt="red heart", generator="SHAPES", steps=20, width=128, height=128):
    print(f"step {drawing['step']} of {drawing['steps']}")
Path("heart.svg").write_text(drawing["svg"])
print(drawing["status"], "heart.svg")
