"""Azure OpenAI's addresses and key header, as another spelling of the mock model's own.

`/openai/v1/...` needs no version; the older addresses need `api-version`, and for chat they name the deployment.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import msgspec

from gym_llm.mock_model.http import HttpRequest

ROOT = b"/openai/"
_DEPLOYMENT = re.compile(rb"/openai/deployments/([^/]+)(/chat/completions)")


def translated(http: HttpRequest) -> HttpRequest:
    """Return a request as OpenAI's own clients would have sent it; unchanged where Azure has no such address."""
    headers = http.headers
    if b"api-key" in headers:
        headers = {**headers, b"authorization": b"Bearer " + headers[b"api-key"]}
    path, body = http.path, http.body
    if path.startswith(b"/openai/v1/"):
        path = path.removeprefix(b"/openai")
    elif b"api-version=" in http.query:
        match = _DEPLOYMENT.fullmatch(path)
        path = b"/v1" + (match[2] if match else path.removeprefix(b"/openai"))
        body = _named(body, unquote_to_bytes(match[1]).decode("utf-8", "replace")) if match else body
    return HttpRequest(http.method, path, headers, http.keep_alive, body, http.query)


def _named(body: bytes, deployment: str) -> bytes:
    """Return a body whose model is the deployment; what is no JSON object is left for others to refuse."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    return msgspec.json.encode({**decoded, "model": deployment}) if isinstance(decoded, dict) else body
