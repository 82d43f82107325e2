"""The families of generated problems: a statement, a reference solution, what varies, which inputs there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gym_llm.envs.comp_coding import references_numbers as numbers
from gym_llm.envs.comp_coding import references_texts as texts
from gym_llm.envs.comp_coding.inputs import Input


@dataclass(frozen=True, slots=True)
class Family:
    """Problems of one kind.

    Attributes:
        solve: The reference solution; its keyword-only parameters are what varies.
        statement: The problem, with the varying values in braces.
        inputs: The arguments by name, in order.
        choices: The values that each varying parameter may have.
    """

    solve: Callable[..., Any]
    statement: str
    inputs: Mapping[str, Input]
    choices: Mapping[str, tuple[Any, ...]]


_VALUES = Input("numbers", -50, 50)
_TEXT = Input("text")
_GRID = Input("grid", 0, 9, least=1, most=12)
_MODULI = (97, 1009, 10007, 998244353)

_ALL = (
    Family(
        numbers.count_pairs,
        "Count the pairs of positions i < j for which the sum of both values is a multiple of {modulus}.",
        {"values": _VALUES},
        {"modulus": tuple(range(2, 14))},
    ),
    Family(
        numbers.longest_run,
        "Find the length of the longest run of neighbouring values in which each value differs from the one "
        "before by at most {gap}.",
        {"values": _VALUES},
        {"gap": tuple(range(10, 60, 5))},
    ),
    Family(
        numbers.best_block,
        "Find the greatest sum of a block of at least {least} neighbouring values; 0 when there are fewer "
        "values than that.",
        {"values": _VALUES},
        {"least": (1, 2, 3, 4, 5)},
    ),
    Family(
        numbers.minimum_coins,
        "Coins have the values {coins}, and there are any number of each. Find the fewest coins whose values "
        "sum to the target; -1 when no coins do.",
        {"target": Input("number", 1, 400)},
        {"coins": ([3, 7, 11], [4, 9, 13], [5, 8], [6, 10, 15], [2, 9, 17], [5, 12, 21], [7, 10, 16])},
    ),
    Family(
        numbers.ways_to_climb,
        "In how many ways can one climb a stair of so many steps, taking 1 to {most} steps at a time? Give "
        "the number modulo {modulus}.",
        {"steps": Input("number", 1, 500)},
        {"most": (2, 3, 4, 5, 6), "modulus": _MODULI},
    ),
    Family(
        numbers.josephus,
        "So many people stand in a circle, numbered from 1. Counting begins with number 1, and every "
        "{skip}th person leaves until one is left. Find the number of the last one.",
        {"people": Input("number", 1, 500)},
        {"skip": tuple(range(2, 12))},
    ),
    Family(
        numbers.digit_game,
        "A number is replaced by the sum of its digits, each raised to the power {power}, again and again. "
        "Sooner or later the numbers repeat. Find the length of the cycle.",
        {"number": Input("number", 1, 100_000)},
        {"power": (2, 3, 4, 5)},
    ),
    Family(
        numbers.rotate_sorted,
        "Sort the values in ascending order, then rotate the list to the left by {shift} places, so that the "
        "first value comes to the end {shift} times.",
        {"values": _VALUES},
        {"shift": tuple(range(1, 20))},
    ),
    Family(
        numbers.window_maxima,
        "Give the maximum of each block of {width} neighbouring values, from left to right.",
        {"values": Input("numbers", -50, 50, least=10)},
        {"width": (2, 3, 4, 5, 6, 7, 8)},
    ),
    Family(
        numbers.longest_increasing,
        "Find the length of the longest subsequence (not necessarily of neighbours) in which each value is "
        "greater than the one before by {step} or more.",
        {"values": _VALUES},
        {"step": (1, 2, 3, 5, 8)},
    ),
    Family(
        numbers.greatest_product,
        "Find the greatest product of exactly {count} of the values, each used at most as often as it occurs.",
        {"values": Input("numbers", -50, 50, least=5)},
        {"count": (2, 3, 4, 5)},
    ),
    Family(
        numbers.knapsack,
        "Choose some of the weights so that their sum is as great as possible but at most {capacity}. Find that sum.",
        {"weights": Input("numbers", 5, 90, most=25)},
        {"capacity": tuple(range(100, 400, 7))},
    ),
    Family(
        numbers.merged_length,
        "On a line, intervals of length {length} begin at the given points. Find the length of what they "
        "cover together.",
        {"starts": Input("numbers", -200, 200)},
        {"length": tuple(range(3, 30))},
    ),
    Family(
        numbers.divisor_count,
        "Among the so many (span) integers that begin with low, count those that have exactly {divisors} "
        "positive divisors.",
        {"low": Input("number", 1, 2000), "span": Input("number", 10, 150)},
        {"divisors": (2, 3, 4, 6, 8)},
    ),
    Family(
        numbers.gap_in_order,
        "Sort the distinct values and look at the differences between neighbours. Find the difference of "
        "rank {rank}, counted from the greatest; equal differences count separately, and 0 stands for one "
        "that does not exist.",
        {"values": Input("numbers", -500, 500)},
        {"rank": (1, 2, 3, 4)},
    ),
    Family(
        numbers.can_split,
        "Can the values be cut, in their order, into {parts} blocks of neighbours with equal sums?",
        {"values": Input("numbers", 1, 2, least=1, most=24)},
        {"parts": (2, 3)},
    ),
    Family(
        texts.shifted,
        "Shift the letter at each place i (from 0) of the text forward by {shift} times i places in the "
        "alphabet a to z, which begins anew after z.",
        {"text": _TEXT},
        {"shift": tuple(range(1, 25))},
    ),
    Family(
        texts.run_lengths,
        "Replace each longest run of one letter by its length and the letter, such as 4a for aaaa, if it has "
        "at least {least} letters; leave shorter runs as they are.",
        {"text": Input("text", letters="ab")},
        {"least": (2, 3, 4)},
    ),
    Family(
        texts.distinct_window,
        "Find the length of the longest block of neighbouring letters that has at most {most} different letters.",
        {"text": Input("text", letters="abcdefg")},
        {"most": (1, 2, 3, 4)},
    ),
    Family(
        texts.changes_to_period,
        "Replace as few letters as possible so that any two letters that are {period} places apart are "
        "equal. How many letters have to be replaced?",
        {"text": Input("text", letters="abc")},
        {"period": (1, 2, 3, 4, 5)},
    ),
    Family(
        texts.edit_distance,
        "Inserting or deleting a letter costs 1, replacing one costs {replace}. Find the least cost of "
        "making the first text the second.",
        {"first": Input("text", most=40), "second": Input("text", most=40)},
        {"replace": (1, 2, 3)},
    ),
    Family(
        texts.common_subsequence,
        "A common subsequence of both texts is worth 2 for each letter {weight} in it, and 1 for each other "
        "letter. Find the greatest worth.",
        {"first": Input("text", most=40), "second": Input("text", most=40)},
        {"weight": tuple("abcde")},
    ),
    Family(
        texts.top_words,
        "Order the different words by how often they occur, the most frequent first, and equally frequent "
        "ones by the alphabet. Give the word of rank {rank}, or the last one if there are fewer.",
        {"words": Input("texts", letters="abc")},
        {"rank": (1, 2, 3, 4, 5)},
    ),
    Family(
        texts.ignored_brackets,
        "Read the brackets from left to right. A closing bracket with none open is ignored, and so is an "
        "opening one when {deepest} are open. Find how many are ignored, plus how many are open at the end.",
        {"text": Input("text", letters="()")},
        {"deepest": (1, 2, 3, 4)},
    ),
    Family(
        texts.longest_chain,
        "Find the length of the longest subsequence of the words (in their order) in which the last "
        "{overlap} letters of each word are the first {overlap} of the next.",
        {"words": Input("texts", letters="abc")},
        {"overlap": (1, 2)},
    ),
    Family(
        texts.island_sizes,
        "Fields that share a side are neighbours. Find the size of the largest connected area of fields of "
        "{level} or more; 0 when there is no such field.",
        {"grid": _GRID},
        {"level": (3, 4, 5, 6)},
    ),
    Family(
        texts.cheapest_path,
        "A path leads from the upper left to the lower right field, going right or down. It costs the sum of "
        "its fields (both ends included), and {toll} for each step down. Find the least cost.",
        {"grid": _GRID},
        {"toll": (0, 1, 2, 3, 4, 5)},
    ),
    Family(
        texts.best_square,
        "Find the greatest sum of a square of {side} by {side} fields; 0 when the grid is smaller than that.",
        {"grid": _GRID},
        {"side": (1, 2, 3, 4)},
    ),
    Family(
        texts.steps_of_knight,
        "A piece moves 1 field in one direction and {long} fields at a right angle to it, on a board of size "
        "by size fields. Find the fewest moves from column 0, row 0 to column goal mod size, row (goal div "
        "size) mod size; -1 when it cannot get there.",
        {"size": Input("number", 3, 16), "goal": Input("number", 1, 400)},
        {"long": (2, 3, 4)},
    ),
    Family(
        texts.components,
        "Count the connected parts of the undirected graph that have at least {least} nodes.",
        {"nodes": Input("number", 2, 60), "edges": Input("edges")},
        {"least": (1, 2, 3, 4)},
    ),
)
FAMILIES = {family.solve.__name__: family for family in _ALL}
"""Every family by name."""
