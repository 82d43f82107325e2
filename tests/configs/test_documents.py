"""Files are read as plain data within limits, whatever is in them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gym_llm.configs import documents
from gym_llm.errors import ConfigError


@pytest.fixture
def read(tmp_path):
    def of(text: str) -> dict:
        (tmp_path / "f.yaml").write_text(text, "utf-8")
        return documents.read(tmp_path / "f.yaml", "f.yaml").data

    return of


def test_every_key_knows_its_line(tmp_path):
    (tmp_path / "f.yaml").write_text("a:\n  b: 1\n  c: {d: 2,\n    e: 3}\n")
    origins = documents.read(tmp_path / "f.yaml", "f.yaml").origins
    assert origins[("a", "b")] == "f.yaml:2"
    assert origins[("a", "c", "e")] == "f.yaml:4"


def test_plain_values(read):
    text = "a: 1e-3\nb: 2026-01-02\nc: null\nd: [1, {x: true}]\ne: &x {f: 1}\ng: *x\n"
    assert read(text) == {
        "a": 0.001, "b": "2026-01-02", "c": None, "d": [1, {"x": True}], "e": {"f": 1}, "g": {"f": 1},
    }  # fmt: skip
    assert read("") == read("# nothing\n") == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: " + "[" * 99 + "]" * 99, "nested deeper than 32"),
        ("a: " + "[" * 100_000, "nested deeper than 32"),
        ("a: &a [1]\nb: [" + "*a," * 200 + "]", "more than 100 aliases"),
        ("l0: &l0 [1]\n" + "".join(f"l{n}: &l{n} [*l{n - 1},*l{n - 1},*l{n - 1}]\n" for n in range(1, 20)), "unfold"),
        ("a: &a [*a]", "unfold"),
        ("a: &a {x: 1}\nb:\n  <<: *a", "merge keys"),
        ("a: !!binary aGk=", "quote it as text"),
        ("a: !!python/name:os.system ''", "cannot be read"),
        ("a: '" + "x" * 1_000_001 + "'", "1,000,000"),
        ("a: ${${b}}", "not read here"),
    ],
)
def test_what_passes_a_limit_is_refused(read, text, told):
    with pytest.raises(ConfigError, match=told):
        read(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, "utf-8", newline="")
    with contextlib.suppress(ConfigError):
        assert isinstance(documents.read(path, "any.yaml").data, dict)
