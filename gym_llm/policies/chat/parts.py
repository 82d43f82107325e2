"""Content parts, the pieces of a message: text, image, audio, video and file, from items to chat and back.

Images, audio, video and files may be an address or data (`data:...`, base64); nothing is fetched or decoded here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Part = dict[str, Any]
Content = str | list[Part]


class NoCounterpartError(Exception):
    """Something that one of the two sides has and the other has not; the text says what."""


def chat_content(content: Content) -> Content:
    """Return the content of a chat message for that of an input message.

    Raises:
        NoCounterpartError: A part has no form in chat.
    """
    return content if isinstance(content, str) else [_chat_part(part) for part in content]


def tool_content(output: Content) -> Content:
    """Return the content of a tool message for the output of a call.

    Raises:
        NoCounterpartError: A part is not text.
    """
    if isinstance(output, str):
        return output
    for part in output:
        if part["type"] != "input_text":
            raise NoCounterpartError(f"a tool message holds text only, not {part['type']!r}")
    return [_chat_part(part) for part in output]


def item_content(content: Content | None) -> Content:
    """Return the content of an input message, or the output of a call, for that of a chat message.

    Raises:
        NoCounterpartError: A part has no form in items.
    """
    if content is None:
        return ""
    return content if isinstance(content, str) else [_item_part(part) for part in content]


def _chat_part(part: Part) -> Part:
    made = _TO_CHAT.get(part["type"])
    if made is None:
        raise NoCounterpartError(f"no chat part for {part['type']!r}; there are {', '.join(_TO_CHAT)}")
    return made(part)


def _chat_image(part: Part) -> Part:
    if not part.get("image_url"):
        raise NoCounterpartError("an image needs image_url, an address or data:...; chat has no image files")
    return {"type": "image_url", "image_url": {"url": part["image_url"], "detail": part.get("detail") or "auto"}}


def _chat_audio(part: Part) -> Part:
    audio = part["input_audio"]
    if "url" in audio:
        return {"type": "audio_url", "audio_url": {"url": audio["url"]}}
    return {"type": "input_audio", "input_audio": {"data": audio["data"], "format": audio["format"]}}


def _chat_file(part: Part) -> Part:
    if part.get("file_url"):
        raise NoCounterpartError("chat has no file_url; give file_data or file_id")
    names = ("file_data", "file_id", "filename")
    return {"type": "file", "file": {name: part[name] for name in names if part.get(name) is not None}}


_TO_CHAT: dict[str, Callable[[Part], Part]] = {
    "input_text": lambda part: {"type": "text", "text": part["text"]},
    "input_image": _chat_image,
    "input_audio": _chat_audio,
    "input_video": lambda part: {"type": "video_url", "video_url": {"url": part["video_url"]}},
    "input_file": _chat_file,
}


def _item_part(part: Part) -> Part:
    match part["type"]:
        case "text":
            return {"type": "input_text", "text": part["text"]}
        case "image_url":
            image = part["image_url"]
            return {"type": "input_image", "image_url": image["url"], "detail": image.get("detail") or "auto"}
        case "input_audio":
            return {"type": "input_audio", "input_audio": part["input_audio"]}
        case "audio_url":
            return {"type": "input_audio", "input_audio": {"url": part["audio_url"]["url"]}}
        case "video_url":
            return {"type": "input_video", "video_url": part["video_url"]["url"]}
        case "file":
            return {"type": "input_file", **part["file"]}
        case kind:
            raise NoCounterpartError(f"no item part for {kind!r}")
