"""What one does with a server, a function each."""
import array
import base64
import sys


def whole(answer):
    """The data of an answer of which every part is needed."""
    if answer.get("errors"):
        raise RuntimeError(" ".join(error["message"] for error in answer["errors"]))
    return answer["data"]


def search(limn, prompt, first=10):
    """The results one after another, asked for page by page."""
    after = None
    while True:
        variables = {"prompt": prompt, "first": first, "after": after}
        page = whole(limn.ask_persisted(SEARCH, variables))["search"]
        for edge in page["edges"]:
            yield edge["score"], edge["node"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return


SEARCH = """
query Search($prompt: String!, $first: Int!, $after: String) {
  search(prompt: $prompt, first: $first, after: $after) {
    edges { score node { id name thumbnail } }
    pageInfo { endCursor hasNextPage }
  }
}
"""


def add(limn, files, tags=()):
    """Files are (name, bytes). The result of one that cannot be read has a code and a message."""
    assets = [{"image": {"upload": None}, "name": name, "tags": list(tags)} for name, _ in files]
    places = {f"input.assets.{n}.image.upload": file for n, file in enumerate(files)}
    added = whole(limn.ask(ADD, {"input": {"assets": assets}}, places))["addAssets"]
    if added["userErrors"]:
        raise ValueError(added["userErrors"][0]["message"])
    return added["results"]


ADD = """
mutation Add($input: AddAssetsInput!) {
  addAssets(input: $input) {
    results {
      ... on AddedAsset { duplicate asset { id name tags } }
      ... on InputError { index code message }
    }
    userErrors { field message }
  }
}
"""


def vector(limn, text):
    """A text's vector as numbers: base64 of little-endian float32. With NumPy: numpy.frombuffer(packed, "<f4")."""
    [result] = whole(limn.ask(EMBED, {"inputs": [{"text": text}]}))["embed"]
    if "message" in result:
        raise ValueError(result["message"])
    numbers = array.array("f", base64.b64decode(result["vector"]))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


EMBED = """
query Embed($inputs: [ConceptInput!]!) {
  embed(inputs: $inputs) {
    ... on Embedding { vector }
    ... on InputError { message }
  }
}
"""


def draw(limn, **drawing):
    """The drawing at every few steps; its status is DONE at the last one."""
    started = whole(limn.ask(START, {"input": drawing}))["startDrawing"]
    if not started["drawing"]:
        raise ValueError(started["userErrors"][0]["message"])
    for answer in limn.follow(FOLLOW, {"id": started["drawing"]["id"]}):
        yield whole(answer)["drawing"]


START = """
mutation Start($input: StartDrawingInput!) {
  startDrawing(input: $input) { drawing { id } userErrors { field message } }
}
"""

FOLLOW = """
subscription Follow($id: ID!) {
  drawing(id: $id) { id status step steps svg error }
}
"""
