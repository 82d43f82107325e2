"""The metrics of a collection as plain text for the screen: aligned, without colours, empty-safe."""

from __future__ import annotations

from typing import Any

from gym_llm.items import printable

Row = tuple[str, str]


def report(result: dict[str, Any]) -> str:
    """Return the metrics as aligned lines, one figure each; figures that nothing is known of are left out.

    >>> print(report({"episodes": {"done": 2, "expected": 2, "tasks": 1, "given_up": 0}}))
    episodes  2 of 2 (1 task)
    """
    rows = [
        *_episodes(result.get("episodes", {})),
        *_reward(result.get("reward", {})),
        *_passes(result.get("pass_at_k", {})),
        *(_named("reward", result.get("reward_components", {}))),
        *(_named("mean", result.get("verification", {}))),
        *_tokens(result.get("tokens", {})),
        *_latency("model call", result.get("model_latency_seconds", {})),
        *_latency("episode", result.get("episode_seconds", {})),
        *_per_episode(result),
        *_counts("ended by", result.get("end_reasons", {})),
        *_finishes(result.get("finish_reasons", {})),
        *_audit(result.get("prefix_audit")),
        *_counts("failed attempts", result.get("failures", {}).get("by_kind", {})),
        *_messages(result.get("failures", {}).get("first", {})),
    ]
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join(f"{printable(name):<{width}}  {printable(text)}" for name, text in rows)


def number(value: float | None) -> str:
    """Return a number with at most four significant decimals.

    >>> number(0.25), number(3.0), number(None)
    ('0.25', '3', '-')
    """
    return "-" if value is None else f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _episodes(counts: dict[str, Any]) -> list[Row]:
    if not counts:
        return []
    text = f"{counts['done']:,}" + (f" of {counts['expected']:,}" if counts["expected"] is not None else "")
    text += f" ({_plural(counts['tasks'], 'task')})"
    if counts["given_up"]:
        text += f", {counts['given_up']:,} given up"
    return [("episodes", text)]


def _reward(figures: dict[str, Any]) -> list[Row]:
    if figures.get("mean") is None:
        return []
    error = figures["standard_error"]
    text = number(figures["mean"]) + (f" ± {number(error)} (standard error)" if error is not None else "")
    return [("mean reward", f"{text}, {number(figures['minimum'])} to {number(figures['maximum'])}")]


def _passes(entries: dict[str, Any]) -> list[Row]:
    rows = []
    for name, entry in entries.items():
        text = number(entry["value"])
        if "interval" in entry:
            low, high = entry["interval"]
            text += f" (95 %: {number(low)} to {number(high)})"
        rows.append((name, text))
    return rows


def _named(prefix: str, entries: dict[str, Any]) -> list[Row]:
    return [(f"{prefix} {name}", number(entry["mean"])) for name, entry in entries.items()]


def _tokens(figures: dict[str, Any]) -> list[Row]:
    if not figures.get("total"):
        return []
    given, made = figures["input"]["mean"], figures["output"]["mean"]
    text = f"{figures['total']:,} ({number(given)} in, {number(made)} out per episode)"
    return [("tokens", text)]


def _latency(name: str, figures: dict[str, Any]) -> list[Row]:
    if not figures.get("count"):
        return []
    shown = ", ".join(f"{key} {number(figures[key])} s" for key in ("p50", "p90", "p99"))
    return [(f"{name} time", shown)]


def _per_episode(result: dict[str, Any]) -> list[Row]:
    names = {"turns": "turns", "tool_calls": "tool calls", "tool_errors": "tool errors"}
    shown = [f"{number(result[key]['mean'])} {names[key]}" for key in names if result.get(key, {}).get("mean")]
    return [("per episode", ", ".join(shown))] if shown else []


def _counts(name: str, counts: dict[str, int]) -> list[Row]:
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [(name, ", ".join(f"{key} {count:,}" for key, count in ordered))] if ordered else []


def _messages(first: dict[str, str]) -> list[Row]:
    """Return what was said of the first failure of each kind, a line each."""
    return [(f"first {kind}", " ".join(text.split())) for kind, text in first.items()]


def _finishes(counts: dict[str, int]) -> list[Row]:
    """Return how the last answers ended, where any did otherwise than by itself."""
    return _counts("last answer ended by", counts) if counts.keys() - {"stop"} else []


def _audit(audit: dict[str, int] | None) -> list[Row]:
    if not audit:
        return []
    if not audit["breaks"]:
        return [("prefix audit", f"every prompt begins with the tokens before it ({audit['episodes']:,} episodes)")]
    breaks = _plural(audit["breaks"], "break")
    return [("prefix audit", f"{breaks} in {audit['with_breaks']:,} of {audit['episodes']:,} episodes")]
