"""Makes the environment of `adding.py` importable for the tests here and for the programs that they start."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let started programs import `adding` too."""
    monkeypatch.setenv("PYTHONPATH", str(HERE))
