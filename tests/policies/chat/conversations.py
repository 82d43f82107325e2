"""Conversations drawn at random, and the normal form that is all of them that chat can bring back."""

from __future__ import annotations

import re
from random import Random
from typing import Any

Item = dict[str, Any]
WORDS = ["a", "Zoë", " ", "\n\n", "😀", "<think>", "</think>", "{", "“”", "\\n", "\u200b", "0", "<|im_end|>"]
BLOCK = re.compile(r"<think>(.*?)(?:</think>|\Z)", re.DOTALL)


def text(random: Random, most: int = 6) -> str:
    return "".join(random.choice(WORDS) for _ in range(random.randint(0, most)))


def conversation(random: Random) -> list[Item]:
    """Return a valid input: any items, in any order."""
    return [random.choice(_MAKERS)(random) for _ in range(random.randint(0, 12))]


def _input_message(random: Random) -> Item:
    role = random.choice(["user", "user", "system", "developer"])
    content = text(random) if random.random() < 0.6 else [_part(random) for _ in range(random.randint(0, 3))]
    return {**({"type": "message"} if random.random() < 0.5 else {}), "role": role, "content": content}


def _part(random: Random) -> dict[str, Any]:
    return random.choice([
        {"type": "input_text", "text": text(random)},
        {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
        {"type": "input_image", "image_url": "https://a.test/a.png", "detail": random.choice(["low", "high"])},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
        {"type": "input_audio", "input_audio": {"url": "https://a.test/a.wav"}},
        {"type": "input_video", "video_url": "https://a.test/a.mp4"},
        {"type": "input_file", "file_data": "data:,", "filename": text(random) or "a"},
        {"type": "input_file", "file_id": "file-1"},
    ])  # fmt: skip


def _assistant_message(random: Random) -> Item:
    if random.random() < 0.3:
        return {"role": "assistant", "content": text(random)}
    parts: list[dict[str, Any]] = []
    for _ in range(random.randint(0, 3)):
        if random.random() < 0.8:
            parts.append({"type": "output_text", "text": text(random), "annotations": []})
        else:
            parts.append({"type": "refusal", "refusal": text(random)})
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": parts}


def _reasoning(random: Random) -> Item:
    made: Item = {"type": "reasoning", "id": "rs_1", "summary": []}
    made["summary"] = [{"type": "summary_text", "text": text(random)} for _ in range(random.randint(0, 3))]
    if random.random() < 0.2:
        made["content"] = [{"type": "reasoning_text", "text": text(random)}]
    if random.random() < 0.1:
        made["encrypted_content"] = "AAAA"
    return made


def _call(random: Random) -> Item:
    made = {"type": "function_call", "call_id": f"call_{random.randint(0, 99)}", "name": "get_weather"}
    made["arguments"] = random.choice(["{}", '{"city": "Zürich"}', "{not json", "", text(random)])
    if random.random() < 0.3:
        made |= {"generation_token_ids": [1], "generation_log_probs": [-0.5], "prompt_token_ids": [0]}
    return made


def _output(random: Random) -> Item:
    parts = [{"type": "input_text", "text": text(random)} for _ in range(random.randint(1, 3))]
    output = text(random) if random.random() < 0.8 else parts
    return {"type": "function_call_output", "call_id": f"call_{random.randint(0, 99)}", "output": output}


_MAKERS = [_input_message, _assistant_message, _assistant_message, _reasoning, _call, _call, _output]


def normal_form(items: list[Item], history: str) -> list[Item]:
    """Return what is left of a conversation: docs/conversion.md, "What does not come back".

    Args:
        items: The conversation.
        history: How past reasoning is sent.
    """
    normal: list[Item] = []
    run: list[Item] = []
    for item in items:
        if item.get("role", "assistant") == "assistant" and item.get("type") != "function_call_output":
            run.append(item)
            continue
        normal += _run_form(run, history) if run else []
        run = []
        normal.append(_environment_form(item))
    return normal + (_run_form(run, history) if run else [])


def _environment_form(item: Item) -> Item:
    if item.get("type") == "function_call_output":
        return item
    content = item["content"]
    if isinstance(content, list):
        content = [{"detail": "auto", **part} if part["type"] == "input_image" else part for part in content]
    return {"type": "message", "role": item["role"], "content": content}


def _run_form(run: list[Item], history: str) -> list[Item]:
    """Return one reasoning item, one message and the calls, each where there is one."""
    thoughts, said, refused, calls = [], "", "", []
    for item in run:
        if item.get("type") == "reasoning":
            thoughts += [part["text"] for part in item.get("content") or item["summary"]]
        elif item.get("type") == "function_call":
            calls.append({key: item[key] for key in ("type", "call_id", "name", "arguments")})
        else:
            content = item["content"]
            parts = [{"text": content}] if isinstance(content, str) else content
            said += "".join(part.get("text", "") for part in parts)
            refused += "".join(part.get("refusal", "") for part in parts)
    if history == "think_tags":
        said = "".join(f"<think>{thought}</think>" for thought in thoughts) + said
        thoughts = BLOCK.findall(said)
    else:
        joined = "\n".join([*thoughts, *BLOCK.findall(said)])
        thoughts = [joined] if joined and history != "drop" else []
    said = BLOCK.sub("", said)
    form: list[Item] = []
    if thoughts:
        form.append({"type": "reasoning", "summary": [{"type": "summary_text", "text": t} for t in thoughts]})
    if said or refused or not (thoughts or calls):
        parts = [{"type": "output_text", "text": said}] if said or not refused else []
        parts += [{"type": "refusal", "refusal": refused}] if refused else []
        form.append({"type": "message", "role": "assistant", "content": parts})
    return form + calls
