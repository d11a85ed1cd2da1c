"""A Limn server, with nothing but Python's standard library."""
import hashlib
import json
import uuid
from urllib.error import HTTPError
from urllib.request import Request, urlopen


class Limn:
    def __init__(self, url=None, key=None):
        self.url = url or "http://127.0.0.1:4000/graphql"
        # Without x-limn-client the server refuses uploads: any web page can send a form, but not this header.
        self.headers = {"x-limn-client": "my-script", **({"x-api-key": key} if key else {})}

    def ask(self, query, variables=None, files=None):
        """{"data": ..., "errors": [...]}: a field that failed is None, and the others stand.

        Files are (name, bytes), named by their places in the variables: {"input.assets.0.image.upload": (name, bytes)}.
        """
        operation = {"query": query, "variables": variables or {}}
        if not files:
            return self._post(operation)
        body, content_type = _form(operation, files)
        return self._send(body, content_type)

    def ask_persisted(self, query, variables=None):
        """Sends the document only to a server that does not know its hash yet: shorter requests for long documents."""
        operation = {"documentId": "sha256:" + hashlib.sha256(query.encode()).hexdigest(), "variables": variables or {}}
        answer = self._post(operation)
        codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
        return self._post({**operation, "query": query}) if "PERSISTED_QUERY_NOT_FOUND" in codes else answer

    def follow(self, query, variables=None):
        """The answers of a subscription as they come (server-sent events)."""
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        headers = {**self.headers, "content-type": "application/json", "accept": "text/event-stream"}
        event = None
        with urlopen(Request(self.url, body, headers)) as lines:
            for line in lines:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "event":
                    event = value
                elif name == "data" and event == "next":
                    yield json.loads(value)

    def _post(self, operation):
        return self._send(json.dumps(operation).encode(), "application/json")

    def _send(self, body, content_type):
        try:
            with urlopen(Request(self.url, body, {**self.headers, "content-type": content_type})) as response:
                return json.load(response)
        except HTTPError as error:
            # urllib raises for a status of 400 and more; the answer is the same JSON, and says why.
            return json.load(error)


def _form(operation, files):
    """A GraphQL multipart request: the operation, which file goes where, the files."""
    places = {str(n): ["variables." + place] for n, place in enumerate(files)}
    parts = [("operations", None, json.dumps(operation).encode()), ("map", None, json.dumps(places).encode())]
    parts += [(str(n), name, data) for n, (name, data) in enumerate(files.values())]
    boundary = uuid.uuid4().hex
    body = b""
    for field, name, data in parts:
        filename = '; filename="{}"'.format(name.replace('"', "%22")) if name else ""
        body += f'--{boundary}\r\ncontent-disposition: form-data; name="{field}"{filename}\r\n\r\n'.encode()
        body += data + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
