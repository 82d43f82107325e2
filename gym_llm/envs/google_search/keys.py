"""Where the key of Google's Programmable Search comes from: an environment variable, or `env.yaml`.

It is never a setting of the environment, as these are recorded. Only this module reads it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from gym_llm.errors import ConfigError

KEY_ENV = "GOOGLE_API_KEY"
ENV_FILE = "env.yaml"
CURE = f"set ${KEY_ENV}, or write `vars: {{google_api_key: ..., google_cx: ...}}` in {ENV_FILE}"
_MAX_BYTES = 1_000_000
_VARIABLE = re.compile(r"\$\{oc\.env:(\w+)\}")


def google(key_env: str, cx: str | None) -> tuple[SecretStr, str]:
    """Return the key and the search engine's id.

    Args:
        key_env: The environment variable that holds the key, looked at first.
        cx: The id, when it is a setting; else `google_cx` of `env.yaml`, else `$GOOGLE_CX`.

    Raises:
        ConfigError: One of them is nowhere, or the key cannot stand in a header.
    """
    written = _written()
    key = os.environ.get(key_env) or written.get("google_api_key") or ""
    engine = cx or written.get("google_cx") or os.environ.get("GOOGLE_CX") or ""
    if not key or not engine:
        raise ConfigError(f"provider google lacks its {'id cx' if key else 'key'}: {CURE}")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigError("the key of provider google holds spaces, control or non-ASCII characters")
    return SecretStr(key), engine


def _written() -> dict[str, str]:
    """Return the texts of `env.yaml` in the working folder, those under `vars` too, without interpreting others."""
    path = Path(ENV_FILE)
    try:
        text = path.read_bytes()[:_MAX_BYTES].decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    import yaml  # only this provider reads a file of settings

    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        raise ConfigError(f"{ENV_FILE} cannot be read as YAML") from None
    if not isinstance(found, dict):
        return {}
    inner = found.get("vars")
    merged: dict[Any, Any] = {**found, **(inner if isinstance(inner, dict) else {})}
    wanted = ("google_api_key", "google_cx")
    return {name: _resolved(merged[name]) for name in wanted if isinstance(merged.get(name), str)}


def _resolved(value: str) -> str:
    return _VARIABLE.sub(lambda found: os.environ.get(found[1], ""), value).strip()
