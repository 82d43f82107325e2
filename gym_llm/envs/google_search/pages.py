"""The text of a page: trafilatura's extraction, run in a killable process, and cut to a length.

`extracted` is what runs there. Nothing here touches the network.
"""

from __future__ import annotations

import importlib.util

from gym_llm import pool
from gym_llm.envs.google_search.addresses import Refused
from gym_llm.envs.google_search.fetcher import Page
from gym_llm.errors import MissingExtra, PoolError

EXTRACTION_SECONDS = 10.0
_PATH = "gym_llm.envs.google_search.pages:extracted"


def require_trafilatura() -> None:
    """Refuse an installation without the extra.

    Raises:
        MissingExtra: trafilatura is not installed.
    """
    if importlib.util.find_spec("trafilatura") is None:
        raise MissingExtra("trafilatura", "google-search")


def extracted(html: str) -> str:
    """Return the main text of an HTML page, empty when there is none."""
    import trafilatura  # the extra google-search; takes a second to import

    return trafilatura.extract(html) or ""


async def text_of(page: Page) -> str:
    """Return the text of a page.

    Raises:
        Refused: There is none, or it takes too long to find.
    """
    text = page.text
    if page.content_type != "text/plain":
        try:
            text = await pool.default().acall(_PATH, text, timeout=EXTRACTION_SECONDS)
        except PoolError:
            raise Refused("the page's text cannot be found") from None
    if not text.strip():
        raise Refused("the page holds no text")
    return text


def cut(text: str, limit: int) -> str:
    r"""Return the text, or its beginning and its end when it is longer than `limit` characters.

    >>> cut("abcdefgh", 4)
    'ab\n...\ngh'
    """
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n...\n{text[len(text) - half :]}"
