"""Spaces of items: `InputItems` for observations, `OutputItems` for actions.

Real Gymnasium spaces whose samples are lists of plain dicts. `contains` is exact on item schemas and costs about
a microsecond per item; what a *sample* of a tool's arguments looks like is said in `sampling.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium.spaces.utils import flatdim, flatten, flatten_space
from gymnasium.vector.utils import batch_differing_spaces

from gym_llm import sampling
from gym_llm.items import Item, assistant_message, function_call, function_call_output, message, scrub
from gym_llm.schemas import input_problem, output_problem


class ItemSpace(gymnasium.Space[list[Item]]):
    """Lists of items; not used directly."""

    def __init__(self, seed: int | np.random.Generator | None = None) -> None:
        super().__init__(shape=None, dtype=None, seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        """False: a conversation has no array form. See the text and token wrappers."""
        return False

    def problem(self, x: object) -> str | None:
        """Return why `x` is not in the space, or None when it is."""
        if not isinstance(x, list | tuple):
            return f"expected a list of items, got {type(x).__name__}"
        for index, item in enumerate(x):
            if reason := self._item_problem(item):
                return f"item {index}: {reason}"
        return None

    def contains(self, x: Any) -> bool:
        """Whether `x` is a list of valid items."""
        return isinstance(x, list | tuple) and not any(map(self._item_problem, x))

    def to_jsonable(self, sample_n: Iterable[list[Item]]) -> list[Any]:
        """Return a batch of samples as plain data for `json.dumps`."""
        return [scrub(sample, max_depth=1000) for sample in sample_n]

    def from_jsonable(self, sample_n: list[Any]) -> list[list[Item]]:
        """Return the batch that `to_jsonable` made."""
        return [list(sample) for sample in sample_n]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self).__name__)

    def _item_problem(self, item: object) -> str | None:
        raise NotImplementedError


class InputItems(ItemSpace):
    """Observations: any `input` of a Responses create call.

    >>> space = InputItems(seed=0)
    >>> [{"role": "user", "content": "Hello"}] in space
    True
    >>> space.sample() in space
    True
    """

    _item_problem = staticmethod(input_problem)

    def sample(self, mask: None = None, probability: None = None) -> list[Item]:
        """Return a short random conversation: a user's message, then calls with their answers and messages."""
        _no_mask(mask, probability)
        rng = self.np_random
        items = [message(sampling.text(rng))]
        for turn in range(int(rng.integers(0, 4))):
            if rng.random() < 0.5:
                call = function_call(sampling.word(rng), {}, f"call_{turn}")
                items += [call, function_call_output(call["call_id"], sampling.text(rng))]
            else:
                items += [assistant_message(sampling.text(rng)), message(sampling.text(rng))]
        return items

    def __repr__(self) -> str:
        return "InputItems()"


class OutputItems(ItemSpace):
    """Actions: any `output` of a Responses call; samples call the declared tools.

    Args:
        tools: Function tools as a create call declares them (`name`, `parameters`); what `sample` may call.
        seed: Seed of `sample`.

    >>> weather = {"type": "function", "name": "get_weather", "parameters": {
    ...     "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
    >>> space = OutputItems([weather], seed=0)
    >>> all(space.sample() in space for _ in range(100))
    True
    """

    _item_problem = staticmethod(output_problem)

    def __init__(self, tools: Iterable[dict[str, Any]] = (), seed: int | np.random.Generator | None = None) -> None:
        self.tools = list(tools)
        super().__init__(seed)

    def sample(self, mask: None = None, probability: None = None) -> list[Item]:
        """Return one to three calls of declared tools with schema-valid arguments, or a message."""
        _no_mask(mask, probability)
        rng = self.np_random
        if not self.tools or rng.random() < 0.4:
            return [assistant_message(sampling.text(rng))]
        return [self._call(rng, index) for index in range(int(rng.integers(1, 4)))]

    def _call(self, rng: np.random.Generator, index: int) -> Item:
        tool = self.tools[int(rng.integers(len(self.tools)))]
        arguments = sampling.value(rng, tool.get("parameters") or {"type": "object"})
        return function_call(tool["name"], arguments, f"call_{int(rng.integers(1 << 32)):08x}_{index}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OutputItems) and self.tools == other.tools

    __hash__ = ItemSpace.__hash__

    def __repr__(self) -> str:
        return f"OutputItems({[tool.get('name') for tool in self.tools]})"


def _no_mask(mask: Any, probability: Any) -> None:
    if mask is not None or probability is not None:
        raise ValueError("item spaces take neither mask nor probability")


def _not_an_array(space: ItemSpace, *_: Any) -> Any:
    raise NotImplementedError(
        f"{space} has no array form; wrap the environment in gym_llm.wrappers.TextObservation and TextAction"
    )


def _batch_differing(spaces: Sequence[ItemSpace]) -> gymnasium.spaces.Tuple[Any]:
    return gymnasium.spaces.Tuple(tuple(spaces))


for _dispatch in (flatten, flatdim, flatten_space):
    cast(Any, _dispatch).register(ItemSpace, _not_an_array)
cast(Any, batch_differing_spaces).register(ItemSpace, _batch_differing)
