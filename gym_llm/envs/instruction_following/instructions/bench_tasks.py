"""IFBench's whole tasks: one answer is asked for, and its form is checked."""

# ruff: noqa: SIM905 - long lists of words read best as words

from __future__ import annotations

import csv
import io
import re
import unicodedata
from datetime import date
from itertools import pairwise

from gym_llm.envs.instruction_following import text as texts
from gym_llm.envs.instruction_following.registry import ifbench

CAPITALS = (
    "Reykjavik Helsinki Oslo Tallinn Stockholm Riga Moscow Copenhagen Vilnius Minsk Dublin Berlin Amsterdam Warsaw "
    "London Brussels Prague Luxembourg Paris Vienna Bratislava Budapest Vaduz Chisinau Bern Ljubljana Zagreb".split()
)  # fmt: skip
"""Capitals north of 45 degrees from north to south, as IFBench orders them."""
_OPTION = re.compile(r"[A-Ea-e][.)]\s*\S")
_QUESTION = re.compile(r"^Question\b[ \t]*\d*[.):;]*", re.MULTILINE)
_CITY = ["ID", "Country", "City", "Year", "Count"]
_PRODUCT = ["ProductID", "Category", "Brand", "Price", "Stock"]
_STUDENT = ["StudentID", "Subject", "Grade", "Semester", "Score"]
_QUOTED_SPECIAL = re.compile(r"\"(?:\w|[^\S\n])*+[^\w\s\"][^\"\n]*+\"")
_MAX_TABLE = 20_000


@ifbench("custom:multiples")
def multiples(text: str) -> bool:
    """Count from 10 to 50, but write only the multiples of 7."""
    return re.findall(r"\d+", text) == [str(number) for number in range(14, 50, 7)]


@ifbench("custom:mcq_count_length")
def mcq_count_length(text: str) -> bool:
    """Write 4 multiple-choice questions on the art of the 20th century, each labelled "Question", with 5 options.

    The questions get longer and longer, and nothing is explained.
    """
    starts = list(_QUESTION.finditer(text))
    if len(starts) != 4 or not text.lstrip().startswith("Question"):
        return False
    ends = [start.start() for start in starts[1:]] + [len(text)]
    lengths = []
    for start, end in zip(starts, ends, strict=True):
        lines = texts.nonblank_lines(text[start.end() : end])
        options = [place for place, line in enumerate(lines) if _OPTION.match(line.strip())]
        if len(options) != 5 or options[-1] != len(lines) - 1:
            return False
        lengths.append(len(" ".join(line.strip() for line in lines[: options[0]])))
    return lengths[0] > 0 and all(a < b for a, b in pairwise(lengths))


@ifbench("custom:reverse_newline")
def reverse_newline(text: str) -> bool:
    """List the countries of Africa in reverse alphabetical order, each on a line of its own."""
    lines = [line.strip(texts.PUNCTUATION + " \t0123456789") for line in text.splitlines()]
    lines = [_ascii(line).lower() for line in lines if line]
    start = next((place for place, line in enumerate(lines) if "zimbabwe" in line), len(lines))
    listed = lines[start:]
    return len(set(listed)) >= 52 and listed == sorted(listed, reverse=True)


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


@ifbench("custom:word_reverse")
def word_reverse(text: str) -> bool:
    """Say which animal is the national symbol of the USA, with the words of your sentence in reverse order."""
    found = texts.bare_words(text)
    return len(found) >= 3 and "eagle bald" in " ".join(found) and len(texts.sentences(text.strip(".!? \n"))) == 1


@ifbench("custom:character_reverse")
def character_reverse(text: str) -> bool:
    """Say which animal is the national symbol of the USA, with the letters of your sentence in reverse order."""
    return "elgae dlab" in text.lower()


@ifbench("custom:sentence_alphabet")
def sentence_alphabet(text: str) -> bool:
    """Tell a story of 26 sentences, whose first words begin with the letters of the alphabet in order."""
    initials = [texts.first_word(sentence)[:1] for sentence in texts.sentences(text)]
    return "".join(initials) == "abcdefghijklmnopqrstuvwxyz"


@ifbench("custom:european_capitals_sort")
def european_capitals_sort(text: str) -> bool:
    """List the capitals of Europe north of 45 degrees, separated by commas, from north to south."""
    return [name.strip() for name in _ascii(text).strip().rstrip(".").split(",")] == CAPITALS


@ifbench("custom:csv_city")
def csv_city(text: str) -> bool:
    """Write 7 rows of CSV with the columns ID, Country, City, Year, Count."""
    found = _table(text, ",")
    return len(found) == 8 and found[0] == _CITY and all(len(row) == 5 for row in found)


@ifbench("custom:csv_special_character")
def csv_special_character(text: str) -> bool:
    """Write 14 rows of CSV with the columns ProductID, Category, Brand, Price, Stock.

    One field holds a special character and stands in double quotation marks.
    """
    found = _table(text, ",")
    form = len(found) == 15 and found[0] == _PRODUCT and all(len(row) == 5 for row in found)
    return form and any(_QUOTED_SPECIAL.search(line) for line in texts.nonblank_lines(text)[1:])


@ifbench("custom:csv_quotes")
def csv_quotes(text: str) -> bool:
    """Write 3 rows with the columns StudentID, Subject, Grade, Semester, Score, separated by tabs, all quoted."""
    found = _table(text, "\t")
    form = len(found) == 4 and found[0] == _STUDENT and all(len(row) == 5 for row in found)
    fields = [field.strip() for line in texts.nonblank_lines(text) for field in line.split("\t")] if form else []
    return form and all(len(field) >= 2 and field[0] == field[-1] == '"' for field in fields)


def _table(text: str, delimiter: str) -> list[list[str]]:
    """Return the rows of a table; none when it cannot be one."""
    if len(text) > _MAX_TABLE:
        return []
    try:
        found = list(csv.reader(io.StringIO(text.strip()), delimiter=delimiter, skipinitialspace=True))
    except csv.Error:
        return []
    return [row for row in found if row]


@ifbench("custom:date_format_list")
def date_format_list(text: str) -> bool:
    """List the first days of Napoleon's battles as YYYY-MM-DD, separated by commas, without explanation."""
    return all(1769 <= _year(found.strip()) <= 1821 for found in text.split(","))


def _year(text: str) -> int:
    try:
        return date.fromisoformat(text).year if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) else 0
    except ValueError:
        return 0
