"""Generated pictures for environments that show images: circles in named colours, and a PNG encoder.

No environment of its own; drawn with numpy and written with zlib, so that no imaging library is needed.
"""

from __future__ import annotations

from gym_llm.envs.pictures.circles import COLOURS, Circle, Picture, drawn, place
from gym_llm.envs.pictures.png import data_url, image_message

__all__ = ["COLOURS", "Circle", "Picture", "data_url", "drawn", "image_message", "place"]
