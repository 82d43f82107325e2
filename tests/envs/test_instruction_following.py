"""InstructionFollowing: rows, grading, the reference solution, the generator, hostile texts, languages."""

# ruff: noqa: RUF001 - other scripts are what this is about

from __future__ import annotations

import json
import time

import gymnasium
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.instruction_following import arguments, composing, grading, language, solving
from gym_llm.envs.instruction_following.registry import INSTRUCTIONS
from gym_llm.errors import ConfigError, DefinitionError, TaskError
from gym_llm.items import message, reasoning

NAME = "InstructionFollowing"
PROMPT = "Describe rain. No commas. Less than 6 words."
KWARGS = {"num_words": 6, "relation": "less than"}


def row(ids, kwargs, mode=None, **more):
    metadata = {"instruction_id_list": ids, "kwargs": kwargs, "prompt": PROMPT}
    metadata |= {"grading_mode": mode} if mode else {}
    prompt = {"responses_create_params": {"input": [message(PROMPT)]}}
    return {"id": 1, **prompt, "verifier_metadata": metadata, **more}


BOTH = (["punctuation:no_comma", "length_constraints:number_words"], [{}, KWARGS])

# mode, text: reward, followed, share, followed loosely
GRADED = [
    (None, "Rain falls softly.", 1, [True, True]),
    (None, "Rain, it falls.", 0, [False, True]),
    (None, "Rain falls on all of us here.", 0, [True, False]),
    ("binary", "Rain, it falls on all of us.", 0, [False, False]),
    ("fraction", "Rain falls softly.", 1, [True, True]),
    ("fraction", "Rain, it falls.", 0.5, [False, True]),
    ("fraction", "Rain, it falls on all of us.", 0, [False, False]),
    ("fraction", "", 0, [False, False]),
    ("fraction", " \n\t", 0, [False, False]),
]


@pytest.mark.parametrize(("mode", "text", "reward", "followed"), GRADED)
def test_following_is_paid_by_the_grading_mode(play, mode, text, reward, followed):
    found = play(NAME, row(*BOTH, mode=mode), text)
    assert found["reward"] == reward
    assert found["follow_instruction_list"] == followed
    assert found["follow_all_instructions"] is all(followed)
    assert found["follow_instructions"] == dict(zip(BOTH[0], followed, strict=True))
    assert found["rewards"]["follow_fraction"] == sum(followed) / 2
    assert (found["problem"] is None) is bool(text.strip())


@pytest.mark.parametrize(
    ("ids", "kwargs", "text", "strict", "loose"),
    [
        (["startend:quotation"], [{}], 'Here it is:\n"Yes."', 0, 1),
        (["startend:quotation"], [{}], '"Yes."\nI hope this helps.', 0, 1),
        (["startend:quotation"], [{}], 'Sure!\n"Yes."\nI hope this helps.', 0, 1),
        (["startend:quotation"], [{}], '**"Yes."**', 0, 1),
        (["startend:quotation"], [{}], 'Sure!\n*"Yes."*\nBye', 0, 1),
        (["startend:quotation"], [{}], "Sure!\nYes.\nBye", 0, 0),
        (["punctuation:no_comma"], [None], "Well, well", 0, 0),
        (["punctuation:no_comma", "startend:quotation"], [None, None], 'Well,\n"yes"', 0, 1),
    ],
)
def test_the_loose_score_forgives_frames_and_asterisks(play, ids, kwargs, text, strict, loose):
    found = play(NAME, row(ids, kwargs), text)
    assert (found["reward"], found["rewards"]["follow_all_loose"]) == (strict, loose)
    assert found["follow_all_instructions_loose"] is bool(loose)
    assert play(NAME, row(ids, kwargs), text, loose=True)["reward"] == loose
    assert play(NAME, row(ids, kwargs, mode="fraction"), text, loose=True)["reward"] == loose


def test_the_grading_mode_can_be_overridden(play):
    given = row(*BOTH, mode="binary")
    assert play(NAME, given, "Rain, it falls.", grading_mode="fraction")["reward"] == 0.5
    with pytest.raises(ConfigError, match=r"fractions.*Did you mean 'fraction'"):
        gymnasium.make(f"gym_llm/{NAME}-v0", grading_mode="fractions")


def test_only_the_last_message_is_graded(play):
    answer = [reasoning("one, two"), {"role": "assistant", "content": "Rain falls."}]
    assert play(NAME, row(*BOTH), answer)["reward"] == 1
    assert play(NAME, row(*BOTH), [*answer, {"role": "assistant", "content": "Well, no."}])["reward"] == 0
    assert play(NAME, row(*BOTH), [*answer, reasoning("one, two")])["reward"] == 1


def test_an_instruction_asked_twice_is_named_twice(play):
    given = row(["keywords:existence"] * 2, [{"keywords": ["rain"]}, {"keywords": ["sun"]}])
    found = play(NAME, given, "Rain falls.")
    assert found["follow_instructions"] == {"keywords:existence": True, "keywords:existence#2": False}


def legacy(**metadata):
    return {"id": 3, "responses_create_params": {"input": PROMPT}, **metadata}


NULLS = dict.fromkeys(["keyword", "letter", "N", "relation", "num_words", "forbidden_words"])


@pytest.mark.parametrize(
    "given",
    [
        row(["punctuation:no_comma"], [None]),
        row(["punctuation:no_comma"], [NULLS]),
        row(["punctuation:no_comma"], [{}], agent_ref={"name": "x"}),
        legacy(instruction_id_list=["punctuation:no_comma"], kwargs=[{}], prompt=PROMPT),
        legacy(instruction_id_list=["punctuation:no_comma"], kwargs=[NULLS], prompt=PROMPT, grading_mode="binary"),
        row(["count:word_count_range"], [{**NULLS, "min_words": 2.0, "max_words": 2.0}]),
        row(["first_word:first_word_sent"], [{"first_word": ["rain"]}]),
        row(["keywords:existence"], [{"keywords": "rain"}]),
    ],
)
def test_rows_of_nemo_gym_load(play, given):
    before = json.dumps(given)
    assert play(NAME, given, "Rain falls.")["reward"] == 1
    assert json.dumps(given) == before


def test_explicit_metadata_comes_before_the_top_level(play):
    older = {"instruction_id_list": ["startend:quotation"], "kwargs": [{}], "prompt": "x", "grading_mode": "fraction"}
    found = play(NAME, row(["punctuation:no_comma"], [{}]) | older, "Rain falls.")
    assert (found["reward"], found["grading_mode"]) == (1, "fraction")


REFUSED = [
    (
        (["punctuation:no_coma"], [{}]),
        r"instruction_id_list.*'punctuation:no_coma'.*Did you mean 'punctuation:no_comma'",
    ),
    (([], []), "instruction_id_list"),
    ((["punctuation:no_comma"], []), "0 entries stand beside 1 instructions"),
    ((["keywords:existence"], [{}]), "needs the argument 'keywords'"),
    ((["keywords:existence"], [{"keyword": ["a"]}]), "Did you mean 'keyword'"),
    ((["keywords:existence"], [{"keywords": []}]), "keywords"),
    ((["keywords:existence"], [{"keywords": [" "]}]), "keywords.0"),
    ((["length_constraints:number_words"], [{"num_words": 5, "relation": "more than"}]), "relation.*more than"),
    ((["length_constraints:number_words"], [{"num_words": -5, "relation": "at least"}]), "num_words.*-5"),
    ((["language:response_language"], [{"language": "xx"}]), "no language has the code 'xx'"),
    ((["keywords:letter_frequency"], [{"letter": "ab", "let_frequency": 1, "let_relation": "at least"}]), "letter"),
    ((["copy:repeat_phrase"], [{"phrase": "two words", "small_n": 1}]), "fewer than three words"),
]


@pytest.mark.parametrize(("given", "reason"), REFUSED)
def test_rows_that_no_text_can_answer_are_refused_with_file_and_line(tmp_path, given, reason):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, [row(*BOTH), row(*given)])) + "\n", "utf-8")
    env = gymnasium.make(f"gym_llm/{NAME}-v0", dataset=str(path))
    with pytest.raises(TaskError, match=reason) as caught:
        env.reset(options={"task_index": 1})
    assert str(caught.value).startswith(f"{path}:2: verifier_metadata.")


@pytest.mark.parametrize("missing", ["instruction_id_list", "kwargs", "prompt"])
def test_missing_metadata_is_refused(missing):
    given = row(*BOTH)
    del given["verifier_metadata"][missing]
    with pytest.raises(TaskError, match=missing):
        gymnasium.make(f"gym_llm/{NAME}-v0", dataset=[given]).reset(seed=0)
    with pytest.raises(TaskError, match="verifier_metadata"):
        gymnasium.make(f"gym_llm/{NAME}-v0", dataset=[legacy()]).reset(seed=0)


@pytest.mark.parametrize("mode", ["both", 1])
def test_an_unknown_grading_mode_is_refused(mode):
    with pytest.raises(TaskError, match="grading_mode"):
        gymnasium.make(f"gym_llm/{NAME}-v0", dataset=[row(*BOTH, mode=mode)]).reset(seed=0)


@pytest.mark.parametrize("key", sorted(INSTRUCTIONS))
def test_every_instruction_has_a_reference_solution_and_a_wording(key):
    instruction = INSTRUCTIONS[key]
    for seed in range(3):
        rng = np.random.default_rng([seed, 5])
        given = instruction.arguments(arguments.drawn(rng, key, list(instruction.model.model_fields)))
        text = solving.solution([(instruction, given)])
        assert grading.grade([(instruction, given)], text).strict == [True]
        assert text == solving.solution([(instruction, given)])
        said = instruction.describe(given)
        assert all(str(value) in said for value in given.values() if isinstance(value, str) and value)
        assert not any(f"{{{name}}}" in said for name in given)


def test_contradictions_have_no_solution_and_are_named():
    env = gymnasium.make(f"gym_llm/{NAME}-v0", dataset=[row(["startend:quotation", "words:alphabet"], [{}, {}])])
    env.reset(seed=0)
    assert env.unwrapped.solve(env.unwrapped.task)
    given = row(["change_case:english_capital", "change_case:english_lowercase"], [{}, {}])
    env.reset(options={"task": given})
    with pytest.raises(DefinitionError, match="change_case:english_capital, change_case:english_lowercase together"):
        env.unwrapped.solve(env.unwrapped.task)


@pytest.mark.parametrize(
    "knobs",
    [
        {}, {"num_instructions": 1}, {"num_instructions": 3, "grading_mode": "fraction"}, {"num_instructions": 5},
        {"sources": "ifeval"}, {"sources": "if_rlvr", "num_instructions": 2}, {"sources": "ifbench"},
    ],
)  # fmt: skip
def test_generated_rows_are_solved_and_not_by_their_prompts(knobs):
    env = gymnasium.make(f"gym_llm/{NAME}-v0", dataset={"num_tasks": 15, "seed": 4, **knobs}, grading_mode="binary")
    sources = knobs.get("sources", "ifeval,if_rlvr,ifbench").split(",")
    named = {"ifeval": "IFEval,", "if_rlvr": "IF-RLVR", "ifbench": "IFBench"}
    for index, task in enumerate(env.unwrapped.tasks):
        ids = task.verifier_metadata.instruction_id_list
        assert len(ids) == knobs.get("num_instructions", len(ids)) <= 5
        assert all(INSTRUCTIONS[key].source.startswith(tuple(named[name] for name in sources)) for key in ids)
        assert all(len(group & set(ids)) <= 1 for group in composing.EXCLUSIVE)
        for answer, reward in ((env.unwrapped.solve(task)[0], 1), ([{"role": "assistant", **task.prompt[0]}], 0)):
            env.reset(options={"task_index": index})
            if reward == 0:
                answer = [{"role": "assistant", "content": task.prompt[0]["content"]}]
            assert env.step(answer)[1] == reward, task.verifier_metadata


def test_generation_follows_the_seed():
    made = [composing.row(np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]
    rows = [composing.row(np.random.default_rng([seed, 9])) for seed in range(60)]
    assert len({str(given["verifier_metadata"]) for given in rows}) == 60
    assert {given["verifier_metadata"]["grading_mode"] for given in rows} == {"binary", "fraction"}


@pytest.mark.parametrize(
    "knobs", [{"num_instructions": 6}, {"num_instructions": -1}, {"sources": "ifevil"}, {"grading_mode": "both"}]
)
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError, match="give 1 to 5"):
        gymnasium.make(f"gym_llm/{NAME}-v0", dataset={"num_tasks": 2, **knobs}).reset(seed=0)


SHOP = "ProductID,Category,Brand,Price,Stock\n" + "a,b,c,d,e\n" * 13 + 'a,b,c"' + "." * 19_000 + ",d,e"
HOSTILE = ["a. ", "* a\n", "😀. ", "Question 1\nA) b\n", "." * 199_999 + "a", "?!" * 99_999 + "a", SHOP + " " * 90_000]


@pytest.mark.parametrize("seed", HOSTILE)
def test_long_hostile_texts_are_checked_in_time(seed):
    text = seed * (200_000 // len(seed))
    rng = np.random.default_rng(3)
    asked = [
        (found, found.arguments(arguments.drawn(rng, key, list(found.model.model_fields))))
        for key, found in INSTRUCTIONS.items()
    ]
    for some in (asked[start : start + 4] for start in range(0, len(asked), 4)):
        started = time.process_time()
        grading.grade(some, text)
        assert time.process_time() - started < 1, [found.id for found, _ in some]


def test_texts_beyond_measure_follow_nothing(play):
    found = play(NAME, row(["punctuation:no_comma"], [{}]), "a " * 100_000 * 2 + "b")
    assert (found["reward"], found["follow_instruction_list"]) == (0, [False])
    assert "400001 characters" in found["problem"]


SAMPLES = {
    "en": "The dog does not want to eat because it is tired.",
    "es": "El perro no quiere comer porque está cansado.",
    "pt": "O cachorro não quer comer porque está cansado.",
    "fr": "Le chien ne veut pas sortir parce qu'il est fatigué.",
    "it": "Il cane non vuole mangiare perché è stanco.",
    "de": "Der Hund will nicht fressen, weil er so müde war.",
    "nl": "De hond kan niet eten omdat hij moe is.",
    "sv": "Hunden kan inte äta eftersom den är trött.",
    "no": "Hunden vil ikke spise fordi den er trøtt, og jeg vet ikke hva jeg skal gjøre.",
    "da": "Hunden vil ikke spise, fordi den er træt, og jeg ved ikke, hvad jeg skal gøre.",
    "fi": "Koira ei halua syödä, koska se on väsynyt.",
    "pl": "Pies nie chce jeść, bo jest zmęczony.",
    "ru": "Собака не хочет есть, потому что она устала.",
    "uk": "Собака не хоче їсти, бо вона втомилася.",
    "bg": "Кучето не иска да яде, защото е уморено.",
    "tr": "Köpek yemek istemiyor çünkü çok yorgun.",
    "vi": "Con chó không muốn ăn vì nó mệt.",
    "sw": "Mbwa hataki kula kwa sababu amechoka sana.",
    "ar": "الكلب لا يريد أن يأكل لأنه متعب",
    "fa": "سگ نمی‌خواهد غذا بخورد چون خسته است",
    "ur": "کتا کھانا نہیں چاہتا کیونکہ وہ تھکا ہوا ہے",
    "hi": "कुत्ता खाना नहीं चाहता क्योंकि वह थका हुआ है",
    "mr": "कुत्र्याला खायचे नाही कारण तो थकला आहे",
    "ne": "कुकुर खान चाहँदैन किनभने यो थकित छ",
    "bn": "কুকুরটি খেতে চায় না", "ta": "நாய் சாப்பிட விரும்பவில்லை",
    "te": "కుక్క తినాలని కోరుకోదు",  # codespell:ignore te
    "kn": "ನಾಯಿ ತಿನ್ನಲು ಬಯಸುವುದಿಲ್ಲ", "gu": "કૂતરો ખાવા માંગતો નથી", "pa": "ਕੁੱਤਾ ਖਾਣਾ ਨਹੀਂ ਚਾਹੁੰਦਾ",
    "ml": "നായ കഴിക്കാൻ ആഗ്രഹിക്കുന്നില്ല", "th": "สุนัขไม่อยากกิน", "ko": "개는 먹고 싶지 않아요",
    "ja": "犬は食べたくない", "zh-cn": "这只狗不想吃饭", "zh-tw": "這隻狗不想吃飯", "el": "Ο σκύλος δεν θέλει",
    "he": "הכלב לא רוצה לאכול",
}  # fmt: skip


@pytest.mark.parametrize("code", SAMPLES)
def test_languages_are_told_apart_by_one_sentence(code):
    assert language.detect(SAMPLES[code]) == code
    assert language.is_written_in(SAMPLES[code].upper(), code)


def test_no_evidence_is_no_language():
    assert [language.detect(text) for text in ("", "12 + 3", "...", "Zxq")] == [None, None, None, None]


@pytest.mark.parametrize(
    ("text", "code"),
    [("STOP! DANGER AHEAD.", "en"), ("Coffee smells wonderful every morning", "en"), ("привет", "ru"),
     ("مرحبا", "ar"), ("नमस्ते दुनिया", "hi"), ("Bonjour", "fr")],
)  # fmt: skip
def test_a_few_words_without_function_words_are_told_by_what_speaks_for_them(text, code):
    assert language.detect(text.lower()) == code
    assert not language.is_written_in(text, "de")


def test_an_apostrophe_may_be_typographic(play):
    asked = row(["keywords:existence", "keywords:forbidden_words"],
                [{"keywords": ["it's"]}, {"forbidden_words": ["don\u2019t"]}])  # fmt: skip
    assert play(NAME, asked, "Well, it\u2019s true.")["follow_instruction_list"] == [True, True]
    assert play(NAME, asked, "it's true, don't cry")["follow_instruction_list"] == [True, False]


@pytest.mark.parametrize("code", language.known())
def test_a_language_can_be_written_in(code):
    assert language.is_written_in(" ".join(language.sample(code)), code)
