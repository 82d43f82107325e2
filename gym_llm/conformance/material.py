"""What hostile actions are made of: odd texts, values, arguments, names and types."""

from __future__ import annotations

from typing import Any

TEXTS: tuple[str, ...] = (
    "", " ", "\n\t\r", "\x00", "a\x00b", "\ud800", "x\udfffy", "\ud83d\ude00", "\x1b[2J\x1b]0;x\x07", "\u202eabc",
    "\ufeff", "\u2028", "null", "None", "NaN", "${oc.env:HOME}", "{{7*7}}", "%s%n", "../../etc/passwd", "\\boxed{",
    "\\boxed{" * 300, "((((" * 200, "a" * 20_000 + "!", "A" * 5000, "<think>", "</think>" * 50, "<tool_call>{}",
    "9" * 4000, "-" * 3000, "\\" * 2000, '"' * 999, "Answer: " * 500, "1e999", "0x" + "f" * 500, "\U0001f600" * 300,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**63, 2**64, -(2**70), 10**400, 10**5000, 1.5, 1e308, -0.0, float("nan"),
    float("inf"), "", "text", "\ud800", "\x00", b"bytes", [], {}, [[]], [None], {"a": 1}, {1: 2}, {None: None}, (),
    (1, 2), {3}, frozenset(), object(), type, ..., 1j,
)  # fmt: skip
ARGUMENTS: tuple[str, ...] = (
    "", " ", "{", "}", "[]", "null", "1", '"text"', "{]", "{'a': 1}", '{"a": 1,}', '{"a": 1} {"b": 2}', '{"a" 1}',
    '{"a": NaN}', '{"a": Infinity}', '{"a": 1e999}', '{"a": 1, "a": 2}', '{"a": "\\ud800"}', '{"a": "\\u0000"}',
    "\ufeff{}", "{}\x00", '{"a": ' + "9" * 5000 + "}", "[" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000,
    '{"__class__": 1, "self": 2}', '{"": ""}', '{"a": "${oc.env:HOME}"}', '{"a": "\ud800"}', "\ud800",
)  # fmt: skip
NAMES: tuple[str, ...] = (
    "", " ", "verify", "reset", "step", "seed_session", "__init__", "__class__", "solve", "close", "begin", "task",
    "\x00", "\ud800", "no_such_tool", "a" * 10_000, "functions.x", "../x", "get weather",
)  # fmt: skip
KEYS: tuple[str, ...] = (
    "type", "id", "call_id", "name", "arguments", "role", "content", "status", "summary", "output", "extra",
    "encrypted_content", "prompt_token_ids", "generation_token_ids", "generation_log_probs",
)  # fmt: skip
TYPES: tuple[str, ...] = (
    "", "function_call_output", "item_reference", "web_search_call", "mcp_call", "no_such_type", "Message",
    "custom_tool_call", "computer_call", "compaction", "function_call\x00", "\ud800",
)  # fmt: skip
PARTS: tuple[Any, ...] = (
    {"type": "input_text", "text": "x"}, {"type": "output_text"}, {"type": "output_text", "text": 5}, {"text": "x"},
    {"type": "refusal", "refusal": None}, {"type": "output_text", "text": "x", "annotations": 5}, "x", None, 7,
    {"type": "refusal", "refusal": "no"}, {"type": ["x"]}, {"type": "output_text", "text": "\ud800"}, [],
)  # fmt: skip
TOKENS: tuple[Any, ...] = (
    None, [], [1], [1, 2], ["x"], "x", [-1], [1.5], [2**70], [None], {}, [[1]], [float("nan")], [True],
)  # fmt: skip
