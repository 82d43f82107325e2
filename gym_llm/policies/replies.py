"""What a server's replies to a probe mean: which API is missing, which models there are, what is no answer at all.

Replies are only read here; asking is `probe.py`, and errors are made in `failures.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gym_llm.errors import ModelError
from gym_llm.items import printable, scrub_text
from gym_llm.policies import failures
from gym_llm.policies.body import Unreadable, decoded
from gym_llm.policies.failures import Failure
from gym_llm.policies.settings import Settings

ABSENT = (404, 405, 501)
_OF_A_MODEL = re.compile(r"\b(model|deployment)\b|model_not_found|no endpoints found", re.IGNORECASE)
_NO_SUCH_MODEL = re.compile(
    r"\bmodel\b.{0,80}?(not exist|not found|not available|is invalid|unknown)|model_not_found"
    r"|(invalid|unknown|no such|not a valid)[ _]model",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a probe, as it came, and what the endpoint had been told."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    settings: Settings

    @property
    def said(self) -> str:
        """What an error says about itself, in one text to search in."""
        details = failures.error_details(self.body)
        return f"{details.get('code')} {details.get('message')}" if details else ""

    @property
    def excerpt(self) -> str:
        """The same for people: short, printable, without the key."""
        return failures.excerpt(self.body, failures.error_details(self.body), self.headers, self.settings)

    def error(self) -> ModelError:
        """The error that this reply would be."""
        return failures.from_status(self.status, self.headers, self.body, self.settings).error([])


def lacks(reply: Reply) -> bool:
    """Whether a reply says that there is no such API; that of an unknown model says nothing about it."""
    return reply.status in ABSENT and not _OF_A_MODEL.search(reply.said)


def refuses_model(reply: Reply) -> bool:
    """Whether a call was refused because there is no such model, with a status that would mean other things too."""
    return 400 <= reply.status < 500 and bool(_NO_SUCH_MODEL.search(reply.said))


def listed(reply: Reply) -> tuple[str, ...]:
    """Return the models of a list, made harmless to show; none if it is no list."""
    try:
        data = decoded(reply.body).get("data") if reply.status == 200 else None
    except Unreadable:
        data = None
    names = (entry.get("id") for entry in data if isinstance(entry, dict)) if isinstance(data, list) else ()
    return tuple(printable(scrub_text(reply.settings.redacted(name))) for name in names if isinstance(name, str))


def unlike(reply: Reply, api: str) -> Failure | None:
    """Return why an answer is none of this API, or None when it is one."""
    if failures.is_html(reply.body, reply.headers):
        return failures.not_an_endpoint("an HTML page", reply.settings, answered=False)
    try:
        answer = decoded(reply.body)
    except Unreadable as error:
        return failures.not_an_endpoint(reply.settings.redacted(str(error)), reply.settings, answered=False)
    if ("output" if api == "Responses" else "choices") in answer or answer.get("error"):
        return None
    what = f"a JSON object that is no answer of the {api} API"
    return failures.not_an_endpoint(what, reply.settings, answered=False)
