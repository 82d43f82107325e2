"""LiveCodeBench's own rows: problem, starter code, public and private tests. Made into rows of this environment."""

from __future__ import annotations

import base64
import binascii
import io
import json
import pickle
import zlib
from typing import Any

from gym_llm.items import message

_MOST_BYTES = 1 << 30
_PROGRAM = "Write a Python program that reads from standard input and writes to standard output."
_FUNCTION = "Complete this Python code:\n```python\n{}\n```"
_FORMAT = "Reason if you need to, then give the whole code in one ```python block."


def converted(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with a prompt and `verifier_metadata`, and all that it had.

    Raises:
        ValueError: The tests cannot be read.
    """
    tests = [*_tests(row["public_test_cases"]), *_tests(row.get("private_test_cases") or [])]
    name = _decoded(row.get("metadata") or {}).get("func_name")
    unit_tests = {
        "inputs": [test["input"] for test in tests], "outputs": [test["output"] for test in tests], "fn_name": name,
    }  # fmt: skip
    made: dict[str, Any] = {"verifier_metadata": {"unit_tests": unit_tests, "difficulty": row.get("difficulty")}}
    if "responses_create_params" not in row:
        starter = str(row.get("starter_code") or "")
        asked = _FUNCTION.format(starter) if starter else _PROGRAM
        text = f"{row.get('question_content', '')}\n\n{asked}\n{_FORMAT}"
        made["responses_create_params"] = {"input": [message(text)]}
    return {**row, **made}


def _tests(given: Any) -> list[dict[str, str]]:
    """Read tests that are a list, its JSON, or the compressed pickle of its JSON."""
    if isinstance(given, str) and not given.lstrip().startswith("["):
        given = _unpacked(given)
    tests = _decoded(given)
    if not isinstance(tests, list):
        raise ValueError("the test cases are no list")
    for test in tests:
        if not isinstance(test, dict) or not all(isinstance(test.get(key), str) for key in ("input", "output")):
            raise ValueError("each test case needs the texts input and output")
    return tests


def _decoded(given: Any) -> Any:
    return json.loads(given) if isinstance(given, str) else given


class _TextOnly(pickle.Unpickler):
    """Reads a pickled text and refuses whatever else a pickle can do."""

    def find_class(self, module: str, name: str) -> Any:
        """Refuse."""
        raise pickle.UnpicklingError(f"the private test cases name {module}.{name}; only text is read")


def _unpacked(text: str) -> str:
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(base64.b64decode(text, validate=True), _MOST_BYTES)
        unpacked = _TextOnly(io.BytesIO(data)).load()
    except (binascii.Error, zlib.error, pickle.UnpicklingError, EOFError, IndexError) as error:
        raise ValueError(f"the private test cases cannot be unpacked: {error}") from None
    if not isinstance(unpacked, str):
        raise ValueError("the private test cases are no text")
    return unpacked
