"""The embedded provider: documents of a JSONL file in an SQLite FTS5 index in memory, ranked by BM25.

A document is `{"url", "title", "text"}`; other fields are kept for the generator. Same documents and query, same
results: ties are broken by the order of the file. No network.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from gym_llm.errors import ConfigError
from gym_llm.items import scrub

BUNDLED = Path(__file__).parent / "data" / "corpus.jsonl"
MAX_WORDS = 64
_SNIPPET_WORDS = 24
_WORD = re.compile(r"\w+")
_SCHEMA = "CREATE VIRTUAL TABLE pages USING fts5(title, text, tokenize='porter unicode61')"
_QUERY = (
    f"SELECT rowid, snippet(pages, 1, '', '', '...', {_SNIPPET_WORDS}) FROM pages WHERE pages MATCH ? "
    "ORDER BY bm25(pages, 2.0, 1.0), rowid LIMIT ?"
)


class Corpus:
    """Documents and their index.

    Attributes:
        documents: The documents in the file's order.
    """

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self.documents = documents
        self._places = {document["url"]: place for place, document in enumerate(documents)}
        self._lock = threading.Lock()
        self._index = sqlite3.connect(":memory:", check_same_thread=False)
        try:
            self._index.execute(_SCHEMA)
        except sqlite3.OperationalError as error:
            raise ConfigError(f"this Python's SQLite has no FTS5 ({error}): use another provider") from None
        rows = [(place, document["title"], document["text"]) for place, document in enumerate(documents)]
        self._index.executemany("INSERT INTO pages(rowid, title, text) VALUES (?, ?, ?)", rows)

    async def search(self, query: str, limit: int) -> list[dict[str, str]]:
        """Return `title`, `url` and `snippet` of the best documents for any of the query's words."""
        words = list(dict.fromkeys(_WORD.findall(query.lower())))[:MAX_WORDS]
        if not words:
            return []
        with self._lock:
            found = self._index.execute(_QUERY, (" OR ".join(f'"{word}"' for word in words), limit)).fetchall()
        return [
            {"title": self.documents[place]["title"], "url": self.documents[place]["url"], "snippet": snippet}
            for place, snippet in found
        ]

    def page(self, url: str) -> str | None:
        """Return the title and the text of the document with this URL, if there is one."""
        place = self._places.get(url.strip())
        return None if place is None else "{title}\n\n{text}".format_map(self.documents[place])


def load(path: str | os.PathLike[str] | None = None) -> Corpus:
    """Return the corpus of a file, the bundled one when left out; shared by all who ask for the same file.

    Raises:
        ConfigError: There is no such file, or it holds something else than documents.
    """
    found = BUNDLED if path is None else Path(path)
    try:
        status = found.stat()
    except OSError as error:
        raise ConfigError(f"corpus {str(path)!r}: {error.strerror}; give the path of a JSONL file") from None
    return _loaded(found.resolve(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=8)
def _loaded(path: Path, size: int, changed_ns: int) -> Corpus:
    documents: list[dict[str, Any]] = []
    urls: set[str] = set()
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            document = scrub(msgspec.json.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"corpus {path.name}:{number} is no JSON: {error}") from None
        if not isinstance(document, dict) or not all(
            isinstance(document.get(key), str) and document[key] for key in ("url", "title", "text")
        ):
            raise ConfigError(f"corpus {path.name}:{number}: a document is an object with the texts url, title, text")
        if document["url"] in urls:
            raise ConfigError(f"corpus {path.name}:{number}: the url {document['url']!r} stands there twice")
        urls.add(document["url"])
        documents.append(document)
    if not documents:
        raise ConfigError(f"corpus {path.name} holds no document")
    return Corpus(documents)
