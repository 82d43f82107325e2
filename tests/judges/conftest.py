"""An environment without keys and proxies, and the three parts that most judges are given."""

from __future__ import annotations

import pytest

_ENVIRONMENT = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch):
    for name in _ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def parts():
    return {"question": "What is 2 + 2?", "reference": "4", "candidate": "four"}
