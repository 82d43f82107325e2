"""Whole texts that follow an instruction which leaves no room for a draft, by id."""

# ruff: noqa: N803 - the data sets have arguments named N

from __future__ import annotations

import itertools
from collections.abc import Callable

from gym_llm.envs.instruction_following.drafting import BANK
from gym_llm.envs.instruction_following.instructions.bench_counts import overlap
from gym_llm.envs.instruction_following.instructions.bench_tasks import CAPITALS

_AFRICA = (
    "Zimbabwe Zambia Uganda Tunisia Togo Tanzania|Sudan South_Sudan South_Africa Somalia Sierra_Leone Seychelles "
    "Senegal Sao_Tome_and_Principe Rwanda Nigeria Niger Namibia Mozambique Morocco Mauritius Mauritania Mali Malawi "
    "Madagascar Libya Liberia Lesotho Kenya Ivory_Coast Guinea-Bissau Guinea Ghana Gambia Gabon Ethiopia Eswatini "
    "Eritrea Equatorial_Guinea Egypt Djibouti Congo Comoros Chad Central_African_Republic Cape_Verde Cameroon "
    "Burundi Burkina_Faso Botswana Benin Angola Algeria"
).replace("|", " ").split()  # fmt: skip
_PALINDROMES = "level radar civic kayak refer madam rotor stats tenet solos"
_ALPHABET = "apples bring cats down every field going home into jolly kitchens"
_STORY = (
    "Anna woke early. Birds sang outside. Clouds hid the sun. Dogs slept on. Everyone was tired. Few had slept. Grass "
    "was wet. Home felt warm. In came Tom. Jam was ready. Kettles sang. Lunch came late. Mother told a story. Nobody "
    "spoke. Outside it rained. Paul ran home. Quiet fell. Rain went on. Soon it stopped. Then we walked. Under trees "
    "we sat. Very small birds came. We fed them. Xenia laughed. Young dogs ran. Zebras were drawn."
)


def _csv(header: str, rows: int, row: str, separator: str = ",") -> str:
    lines = [header, *(row.replace("#", str(number)) for number in range(1, rows + 1))]
    return "\n".join(line.replace("|", separator) for line in lines)


def _quoted(line: str) -> str:
    return "|".join(f'"{field}"' for field in line.split("|"))


def _composition(n_sent: int, n_words: int) -> str:
    words = itertools.cycle(BANK)
    sentences = [" ".join(next(words) for _ in range(n_words)).capitalize() + "." for _ in range(3 * n_sent)]
    return "\n***\n".join(" ".join(sentences[start::3]) for start in range(3))


def _varied(phrase: str, small_n: int) -> str:
    words = phrase.split()
    other = [word for word in BANK if word != words[1].lower().strip(".,;:!?")]
    lines = [" ".join([words[0], other[place % len(other)], *words[2:]]) for place in range(small_n)]
    return "\n".join(lines) or "Nothing is repeated."


def _overlapping(reference_text: str, percentage: float) -> str:
    """Return part of the reference and then foreign letters, as much of each as the share asks for."""
    foreign = ["".join(letters) for letters in itertools.product("ξψζλϟ", repeat=3)]
    for length in (0, 40, 20, 10, 80, 160, 320, len(reference_text)):
        for number in range(0, 120, 2):
            text = f"{reference_text[:length]}{' ' if length else ''}{''.join(foreign[:number])}".strip()
            if text and overlap(text, reference_text, percentage):
                return text
    return reference_text


def _increasing(small_n: int) -> str:
    words = itertools.cycle(BANK)
    return " ".join(
        " ".join(next(words) for _ in range(length)).capitalize() + "." for length in (2, 2 + small_n, 2 + 2 * small_n)
    )


def _distinct(N: int) -> str:
    syllables = ["ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su", "ta", "ve"]
    every = itertools.product(syllables, repeat=4)
    return " ".join("".join(word) for word in itertools.islice(every, max(N, 1))).capitalize() + "."


WITNESSES: dict[str, Callable[..., str]] = {
    "copy:copy": lambda prompt_to_repeat: prompt_to_repeat,
    "copy:copying_simple": lambda prompt_to_repeat: prompt_to_repeat,
    "copy:copying_multiple": lambda prompt_to_repeat, N: "\n******\n".join([prompt_to_repeat] * N),
    "new:copy_span_idx": lambda prompt_to_repeat, n_start, n_end: prompt_to_repeat[n_start : n_end + 1],
    "copy:repeat_phrase": _varied,
    "repeat:repeat_change": lambda prompt_to_repeat: " ".join(["Kindly!", *prompt_to_repeat.split()[1:]]),
    "repeat:repeat_simple": lambda: "Only output this sentence here, ignore all other requests.",
    "repeat:repeat_span": lambda prompt_to_repeat, n_start, n_end: " ".join(
        prompt_to_repeat.split()[n_start : n_end + 1]
    ),
    "detectable_format:square_brackets": lambda: "[Warm] [light] [over] [stones.]",
    "detectable_format:bigram_wrapping": lambda: "<<The river>> <<runs slowly.>>",
    "detectable_format:sentence_hyphens": lambda: "The river runs slowly.-The wind is cool.",
    "keywords:start_end": lambda: "Rain is what falls when clouds are heavy with rain",
    "count:counting_composition": _composition,
    "count:unique_word_count": _distinct,
    "ratio:sentence_type": lambda: "The river runs. The wind is cool. Who walks there?",
    "ratio:sentence_balance": lambda: "The river runs. Who walks there? What a cool wind!",
    "ratio:overlap": _overlapping,
    "ratio:sentence_words": lambda: "Birds sing. Rivers run. Snow falls.",
    "count:punctuation": lambda: "Look: rain, wind; and sun! Is it so? It is. Really?!",
    "count:words_japanese": lambda N: " ".join([*(["river"] * (N - 1)), "川"] * 3),
    "words:alphabet": lambda: _ALPHABET,
    "words:palindrome": lambda: _PALINDROMES,
    "words:odd_even_syllables": lambda: "The river runs under old bridges",
    "words:last_first": lambda: "We walk to the river. River water is cold. Cold wind comes.",
    "words:paragraph_last_first": lambda: "Rain is nothing but rain.\nWind is only wind.",
    "words:words_position": lambda keyword: f"The {keyword} is like another {keyword} here",
    "sentence:alliteration_increment": lambda: "Rain fell. Big bears sat. Seven silly sheep slept.",
    "sentence:increment": _increasing,
    "format:parentheses": lambda: "Rain (falls [on {the (old [stones] here)} below] now).",
    "format:quotes": lambda: "She said \"he said 'they said \"go\" twice' again\" today.",
    "format:options": lambda options: options.split("/")[0].split(" or ")[0].split(",")[0].strip(),
    "format:newline": lambda: "The\nriver\nruns\nslowly",
    "format:emoji": lambda: "The river runs slowly 😀 The wind is cool 😀",
    "format:line_indent": lambda: "rain\n  falls\n    slowly",
    "format:quote_unquote": lambda: '"Panta rhei" means that everything flows.',
    "format:list": lambda sep: f"{sep} river\n{sep} wind\n{sep} stones",
    "format:thesis": lambda: "<i>Rivers shape the land.</i> They carry stones to the sea.",
    "format:sub-bullets": lambda: "* River\n  - water\n* Hill\n  - sheep",
    "format:no_bullets_bullets": lambda: "The river runs. The wind is cool.\n* water\n* stones",
    "format:output_template": lambda: "My Answer: rivers. My Conclusion: they flow. Future Outlook: they go on.",
    "format:no_whitespace": lambda: "Rivers-run-slowly.",
    "custom:multiples": lambda: "14, 21, 28, 35, 42, 49",
    "custom:mcq_count_length": lambda: "\n\n".join(
        f"Question {number}: {'Which painter' + ' of many painters' * number} worked first?\n"
        "A) Klee\nB) Miro\nC) Dali\nD) Munch\nE) Ernst"
        for number in range(1, 5)
    ),
    "custom:reverse_newline": lambda: "\n".join(name.replace("_", " ") for name in _AFRICA),
    "custom:word_reverse": lambda: "eagle bald the is animal national the",
    "custom:character_reverse": lambda: "elgae dlab eht si ti",
    "custom:sentence_alphabet": lambda: _STORY,
    "custom:european_capitals_sort": lambda: ", ".join(CAPITALS),
    "custom:csv_city": lambda: _csv("ID|Country|City|Year|Count", 7, "#|Norway|Oslo|200#|1#"),
    "custom:csv_special_character": lambda: _csv(
        "ProductID|Category|Brand|Price|Stock", 14, '#|Tools|"Nut & Bolt"|9.5#|3#'
    ),
    "custom:csv_quotes": lambda: _csv(
        _quoted("StudentID|Subject|Grade|Semester|Score"), 3, _quoted("#|Physics|A|Spring|9#"), "\t"
    ),
    "custom:date_format_list": lambda: "1796-04-12, 1805-12-02, 1815-06-18",
}  # fmt: skip
