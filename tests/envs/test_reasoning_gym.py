"""ReasoningGym: every dataset of the installed library, its scores, and no code of a model's run by its scorers."""

from __future__ import annotations

import re
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm import pool
from gym_llm.envs.reasoning_gym import ReasoningGym, fences, sources
from gym_llm.envs.reasoning_gym.answers import find
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import assistant_message, message

library = pytest.importorskip("reasoning_gym", reason="the extra reasoning-gym")
NAMES = sorted(sources.known())
WITHOUT_ANSWER = {"boxnet", "graph_color", "propositional_logic", "rubiks_cube", "rush_hour"}
LEGS = {
    "responses_create_params": {"input": [message("How many legs: 2 cats, 1 bee?")]},
    "question": "How many legs: 2 cats, 1 bee?",
    "answer": "14",
    "metadata": {"source_dataset": "leg_counting", "source_index": 0, "animals": {"cat": 2, "bee": 1}},
}


def made(name, seed=0, **knobs):
    return ReasoningGym.generate(np.random.default_rng([seed, 7]), datasets=name, **knobs)


def entry(name, answer, **metadata):
    found = {"source_dataset": name, **metadata}
    return {"responses_create_params": {"input": "?"}, "question": "?", "answer": answer, "metadata": found}


@pytest.mark.parametrize("name", NAMES)
def test_every_dataset_makes_tasks_whose_answer_earns_the_maximum(play, name):
    given = made(name)
    assert given["metadata"]["source_dataset"] == name
    assert given == made(name)
    if given["answer"] is None:
        assert name in WITHOUT_ANSWER
        return
    found = play("ReasoningGym", given, f"Well. <answer>{given['answer']}</answer>")
    assert (found["reward"], found["task_name"], found["problem"]) == (1, name, None)


def test_tasks_do_not_depend_on_the_process():
    names = ("codeio", "isomorphic_strings", "knight_swap", "polynomial_multiplication", "ransom_note", "word_ladder")
    made_here = [ReasoningGym.generate(np.random.default_rng(5), datasets=name) for name in names]
    with pool.Pool(size=1) as other:
        for name, given in zip(names, made_here, strict=True):
            seed = given["generator"]["seed"]
            again = other.call(f"{sources.LIBRARY}:entry", name, None, {}, seed, timeout=30)
            assert again.items() <= given.items()


@pytest.mark.parametrize(
    ("text", "reward", "where"),
    [
        ("<answer>14</answer>", 1, "tag"),
        ("<answer>12</answer> no, <answer> 14\n</answer>", 1, "tag"),
        (r"\boxed{12} so \boxed{14}", 1, "boxed"),
        ("<answer>12</answer>", 0, "tag"),
        ("<answer>1, 2, 14</answer>", 0, "tag"),
        ("<answer></answer>", 0, "tag"),
        ("14", 0, "none"),
        ("", 0, "none"),
        ("<answer>14", 0, "none"),
    ],
)
def test_answers(play, text, reward, where):
    found = play("ReasoningGym", LEGS, text)
    assert (found["reward"], found["extraction"]) == (reward, where)


def test_the_librarys_own_leniency_on_demand(play):
    loose = {"extraction": "lenient", "substring_credit": True}
    assert play("ReasoningGym", LEGS, "14", **loose)["reward"] == 1
    text = "the answer is 14 ok"
    assert play("ReasoningGym", LEGS, text, **loose)["reward"] == pytest.approx(2 / len(text))
    assert find("\\boxed{" * 100_000) == (None, "none")


ATTACK = "__import__('os').system('touch {path}')"


@pytest.mark.parametrize("module", [*fences.LITERALS, *fences.PARSERS, *fences.SYMPY])
def test_no_scorer_runs_an_answer(play, tmp_path, module):
    name = module.partition(".")[2]
    given = made(name)
    for number, pattern in enumerate([ATTACK, "[" + ATTACK + "]", "(lambda: " + ATTACK + ")()", "x.__class__"]):
        path = tmp_path / str(number)
        found = play("ReasoningGym", given, f"<answer>{pattern.format(path=path)}</answer>")
        assert found["reward"] < 0.1
        assert not path.exists()


def test_every_evaluating_scorer_is_known():
    evaluating = re.compile(r"(?<![\w.])(?:eval|exec)\(|parse_expr\(answer|sympify\(|pickle|subprocess")
    root = Path(library.__file__).parent
    found = {
        ".".join(path.relative_to(root).with_suffix("").parts)
        for path in root.rglob("*.py")
        if path.parent.name != "tests" and evaluating.search(path.read_text("utf-8"))
    }
    generating = {
        "arithmetic.basic_arithmetic", "arithmetic.bitwise_arithmetic", "code.codeio",
        "arithmetic.gsm_symbolic.generators_00_49", "arithmetic.gsm_symbolic.generators_50_99",
    }  # fmt: skip
    assert found == {*fences.LITERALS, *fences.PARSERS, *fences.SYMPY} | generating


@pytest.mark.parametrize(
    "text",
    ["9**9**9", "9**(99*99)", "2**(1/0.0001)", "x**1000000", "2**2**2**2", "x.a", "'a'", "a[0]", "f(x)", "exec(1)",
     "x if x else x", "[x for x in x]",
     "lambda: x", "sin(x, evaluate=1)", "__x",
     "(" * 200, "1j", "x := 1", "x;y", "", "1\n2", "True"],
)  # fmt: skip
def test_what_is_no_arithmetic_is_refused(text):
    with pytest.raises(fences.Refused):
        fences.checked(text)


@pytest.mark.parametrize(
    "text", ["x**3/3 + C", "-exp(2*x)*sin(x)", "2*sqrt(x) + log(x) - pi", "(1 + 2.5) * 3", "x**(n+1)"]
)
def test_arithmetic_passes(text):
    assert fences.checked(f" {text} ") == text


@pytest.mark.parametrize(
    ("given", "answer", "reward"),
    [
        (entry("puzzle24", "(1+2+3)*4", numbers=[1, 2, 3, 4]), "4*3*2*1", 1),
        (entry("puzzle24", "(1+2+3)*4", numbers=[1, 2, 3, 4]), "6*4*1*1", 0.01),
        (entry("puzzle24", "(1+2+3)*4", numbers=[9, 8, 9, 5]), "9+9+8-5/3", 0.01),
        (entry("countdown", "3*4", numbers=[3, 4], target=12), "4*3", 1),
        (entry("countdown", "3*4", numbers=[3, 4], target=12), "12", 0.05),
        (entry("simple_integration", "x**2 + C", variable="x", integrand="2*x"), "C + x*x", 1),
        (entry("simple_integration", "x**2 + C", variable="x", integrand="2*x"), "x**3", 0),
        (entry("complex_arithmetic", "1 + i", result=[1, 1]), "nan", 0),
        (entry("complex_arithmetic", "1 + i", result=[1, 1]), "NaN + nani", 0),
        (entry("complex_arithmetic", "1 + i", result=[1, 1]), "1 + nanj", 0),
        (entry("complex_arithmetic", "1 + i", result=[1, 1]), "1 + i", 1),
        (entry("game_of_life_halting", "True"), "True.", 1),
        (entry("game_of_life_halting", "True"), "false", 0),
        (entry("game_of_life_halting", "False"), "False", 1),
        (entry("game_of_life_halting", "False"), "True", 0),
        (entry("game_of_life_halting", "False"), "x", 0),
        (entry("coin_flip", "0.24609375"), "63/256", 1),
        (entry("coin_flip", "0.24609375"), "0.2461", 1),
        (entry("coin_flip", "0.24609375"), "0", 0.1),
        (entry("coin_flip", "0.24609375"), "1e999999999", 0),
        (entry("gsm_symbolic", "120"), "120 eggs", 1),
        (entry("gsm_symbolic", "120"), "-120", 0.01),
        (entry("spell_backward", "dnal"), "Dnal", 1),
        (entry("spell_backward", "ycagelerp"), "ycagelerp or 1", 0.8),
    ],
)
def test_scores(play, given, answer, reward):
    assert play("ReasoningGym", given, f"<answer>{answer}</answer>")["reward"] == pytest.approx(reward)


def test_a_scorer_that_chokes_gives_nothing_and_says_so(play):
    broken = entry("leg_counting", None)
    found = play("ReasoningGym", broken, "<answer>14</answer>", substring_credit=True)
    assert found["reward"] == 0
    assert "its scorer raised" in found["problem"]


def test_a_row_that_no_answer_can_satisfy_is_an_error():
    row = entry("leg_counting", "1") | {"generator": {"config": {"min_animals": -5}}}
    env = gymnasium.make("gym_llm/ReasoningGym-v0", dataset=[row]).unwrapped
    env.reset(seed=0)
    assert "error" in env.step([assistant_message("<answer>1</answer>")])[-1]


def test_seeds_are_decorrelated():
    def seeds(seed):
        env = gymnasium.make("gym_llm/ReasoningGym-v0", dataset="leg_counting", seed=seed, num_tasks=40)
        return {env.unwrapped.tasks.row(index)["generator"]["seed"] for index in range(40)}

    assert len(seeds(42)) == 40
    assert not seeds(42) & seeds(43)
    assert seeds(42) == seeds(42)


def test_mixtures():
    parts = {"leg_counting": 3, "chain_sum": {"weight": 1, "level": 2}, "maze": 0}
    env = gymnasium.make("gym_llm/ReasoningGym-v0", dataset=parts, num_tasks=100).unwrapped
    names = [env.tasks[index].name for index in range(100)]
    assert 60 <= names.count("leg_counting") <= 90
    assert names.count("leg_counting") + names.count("chain_sum") == 100
    env.reset(seed=1)
    assert env.step(env.solve(env.task)[0])[1] == 1


def test_curricula_and_configurations_change_the_tasks():
    easy, hard = made("chain_sum", level=0), made("chain_sum", level=50)
    assert len(hard["question"]) > len(easy["question"])
    assert made("chain_sum", level={"num_terms": 3})["question"] != easy["question"]
    long = made("chain_sum", config={"min_terms": 30, "max_terms": 30})
    assert long["question"].count("+") + long["question"].count("-") >= 29
    assert long["generator"]["config"] == {"min_terms": 30, "max_terms": 30}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"dataset": "leg_count"}, "Did you mean 'leg_counting'"),
        ({"dataset": "composite"}, "none of reasoning-gym's"),
        ({"dataset": {"leg_counting": -1}}, "weight -1"),
        ({"dataset": {"leg_counting": 0}}, "above 0"),
        ({"dataset": {"leg_counting": {"wait": 1}}}, "unknown"),
        ({"dataset": "acre", "level": 1}, "no curriculum"),
        ({"dataset": "chain_sum", "level": -1}, "level -1"),
        ({"dataset": "chain_sum", "config": {"min_term": 1}}, "min_term"),
        ({"dataset": "chain_sum", "level": {"colour": 1}}, "colour"),
        ({"dataset": [LEGS], "level": 1}, "not for rows"),
        ({"extraction": "loose"}, "extraction"),
        ({"score_timeout": 0}, "score_timeout"),
    ],
)
def test_bad_settings_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        gymnasium.make("gym_llm/ReasoningGym-v0", **settings).reset(seed=0)


def test_a_row_must_name_its_dataset():
    with pytest.raises(TaskError, match="source_dataset"):
        gymnasium.make("gym_llm/ReasoningGym-v0", dataset=[LEGS | {"metadata": {}}]).reset(seed=0)


def test_a_scorer_that_does_not_end_is_killed_and_gives_no_reward():
    given = entry("simple_integration", "x", variable="x", integrand="1")
    env = gymnasium.make("gym_llm/ReasoningGym-v0", dataset=[given], score_timeout=0.5).unwrapped
    env.reset(seed=0)
    slow = "*".join(f"(sin({n}*x)**{n + 1} + cos(x)**{n}*exp({n}*x))**({n}/3)" for n in range(2, 14))
    assert env.step([assistant_message(f"<answer>{slow}</answer>")])[-1]["error"]["type"] == "PoolTimeout"


def test_the_instruction_can_be_left_out():
    for instruction, ends in ((True, True), (False, False)):
        env = gymnasium.make("gym_llm/ReasoningGym-v0", dataset=[LEGS], instruction=instruction)
        observation, _ = env.reset(seed=0)
        assert observation[0]["content"].startswith(LEGS["question"])
        assert ("</answer>" in observation[0]["content"]) == ends


def test_a_row_of_an_unknown_dataset_is_refused_before_a_model_is_asked():
    env = gymnasium.make("gym_llm/ReasoningGym-v0", dataset=[entry("leg_countin", "4")])
    with pytest.raises(ConfigError, match=r"source_dataset='leg_countin'.*Did you mean 'leg_counting'"):
        env.reset(seed=0)
