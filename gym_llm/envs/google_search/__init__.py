"""Questions that are answered by searching and reading pages.

The class is in `environment.py`; providers of search results in `providers.py` and `corpus.py`, reading the web in
`fetcher.py` and what it stands on.
"""

from __future__ import annotations

from gym_llm.envs.google_search.environment import GoogleSearch, SearchTask

__all__ = ["GoogleSearch", "SearchTask"]
