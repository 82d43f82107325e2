"""The episode: what reset draws, what step answers, when it ends and how it is judged."""

from __future__ import annotations

import asyncio
import json
import math
from typing import ClassVar

import gymnasium
import pytest
from gymnasium.error import ResetNeeded

import gym_llm
from gym_llm import Verification, items
from gym_llm.errors import ConfigError, DefinitionError, TaskError

ROWS = [{"responses_create_params": {"input": f"Door {n}", "temperature": 0.5}, "code": n} for n in range(20)]


class Doors(gym_llm.ResponsesEnv):
    max_turns = 3
    events: ClassVar[list] = []

    def begin(self, task):
        self.knocks = 0

    @gym_llm.tool
    def knock(self, times: int = 1) -> dict:
        """Knock."""
        if times > 5:
            raise gym_llm.ToolError("too loud")
        if times < 0:
            raise RuntimeError("secret detail")
        self.knocks += times
        return {"knocks": self.knocks}

    @gym_llm.tool
    async def listen(self) -> str:
        """Listen."""
        await asyncio.sleep(0)
        return "steps"

    def verify(self, task, episode):
        if "crash" in episode.last_message:
            raise RuntimeError("verifier bug")
        return float(episode.last_message == str(task.code))


def made(cls=Doors, **kwargs):
    return cls(**{"dataset": ROWS, **kwargs})


def knock(call_id=None, **arguments):
    return items.function_call("knock", arguments, call_id)


def said(text):
    return [items.assistant_message(text)]


def test_the_same_seed_gives_the_same_task():
    env = made()
    draws = [[env.reset(seed=seed)[1]["task_index"] for seed in range(15)] for _ in range(2)]
    assert draws[0] == draws[1]
    assert len(set(draws[0])) > 5


def test_reset_without_a_seed_goes_on_drawing():
    env = made()
    env.reset(seed=0)
    assert len({env.reset()[1]["task_index"] for _ in range(30)}) > 5


def test_options_choose_the_task():
    env = made()
    observation, info = env.reset(options={"task_index": 17})
    assert observation == [{"role": "user", "content": "Door 17"}]
    assert info["task_index"] == 17
    observation, info = env.reset(options={"task": ROWS[3]})
    assert (observation[0]["content"], info["task_index"]) == ("Door 3", None)
    assert env.task.code == 3


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"task_indx": 1}, ConfigError, "Did you mean 'task_index'"),
        ({"task_index": 20}, IndexError, "outside 0..19"),
        ({"task": {}}, TaskError, "responses_create_params"),
    ],
)
def test_wrong_options_are_refused(options, error, says):
    with pytest.raises(error, match=says):
        made().reset(options=options)


def test_info_carries_the_create_call_with_the_tools():
    params = made().reset(seed=0)[1]["responses_create_params"]
    assert params["temperature"] == 0.5
    assert "input" not in params
    assert [tool["name"] for tool in params["tools"]] == ["knock", "listen"]


def test_tools_of_the_row_are_kept_and_only_they_may_be_called():
    row = {"responses_create_params": {"input": "x", "tools": [{"type": "function", "name": "listen"}]}}
    env = made(dataset=[row])
    assert env.reset(seed=0)[1]["responses_create_params"]["tools"] == row["responses_create_params"]["tools"]
    *_, info = env.step([knock(), items.function_call("listen", {})])
    assert info["tool_errors"] == 1
    assert env.episode.calls[1].output == "steps"


def test_observations_grow_by_the_action_and_its_answers():
    env = made()
    first, _ = env.reset(options={"task_index": 0})
    action = [items.reasoning("hm"), knock("a"), items.function_call("listen", {}, "b")]
    second, reward, terminated, truncated, info = env.step(action)
    assert second[: len(first)] == first
    assert [item["type"] for item in second[1:]] == [
        "reasoning", "function_call", "function_call", "function_call_output", "function_call_output",
    ]  # fmt: skip
    assert [item["output"] for item in second[-2:]] == ['{"knocks":1}', "steps"]
    assert (reward, terminated, truncated) == (0.0, False, False)
    assert (info["tool_calls"], info["tool_errors"]) == (2, 0)
    assert len(first) == 1, "an observation that was returned does not grow"


def test_the_callers_action_is_not_shared():
    env = made()
    env.reset(seed=0)
    action = [knock("a")]
    env.step(action)
    action[0]["arguments"] = "spoiled"
    assert env.episode.actions[0][0]["arguments"] == "{}"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (knock(times=9), "too loud"),
        (knock(times=-1), "knock failed: RuntimeError"),
        (knock(times="many"), "times: Input should be a valid integer"),
        (items.function_call("knock", "{"), "not valid JSON"),
        (items.function_call("knok", {}), "Did you mean 'knock'? The tools are knock, listen"),
        (items.function_call("verify", {}), "unknown tool 'verify'"),
    ],
)
def test_a_failed_call_is_answered_and_counted(call, says):
    env = made()
    env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step([call])
    assert says in json.loads(observation[-1]["output"])["error"]
    assert "secret detail" not in observation[-1]["output"]
    assert (info["tool_calls"], info["tool_errors"]) == (1, 1)
    assert (reward, terminated, truncated) == (0.0, False, False)


def test_a_crash_of_a_tool_is_reported_to_the_author():
    env = made()
    env.reset(seed=0)
    [crash] = env.step([knock(times=-1)])[4]["crashes"]
    assert (crash["tool"], crash["type"], crash["message"]) == ("knock", "RuntimeError", "secret detail")


def test_the_end_is_verified():
    env = made()
    env.reset(options={"task_index": 4})
    _, reward, terminated, truncated, info = env.step(said("4"))
    assert (reward, terminated, truncated) == (1.0, True, False)
    assert info["verification"] == {"reward": 1.0}
    assert info["end_reason"] == "verified"
    with pytest.raises(ResetNeeded, match="verified"):
        env.step(said("4"))


def test_step_and_episode_before_reset_are_refused():
    env = made()
    for use in (lambda: env.step([]), lambda: env.episode, lambda: env.task):
        with pytest.raises(ResetNeeded, match="call reset"):
            use()


@pytest.mark.parametrize(
    ("kwargs", "action", "turns", "reason"),
    [
        ({}, [knock()], 3, "max_turns"),
        ({}, [], 3, "max_turns"),
        ({}, [items.reasoning("hm")], 3, "max_turns"),
        ({"max_turns": 1}, [knock()], 1, "max_turns"),
        ({"max_tokens": 25}, {"output": [knock()], "usage": {"output_tokens": 13}}, 2, "max_tokens"),
        ({"max_seconds": 1e-9}, [knock()], 1, "max_seconds"),
    ],
)
def test_budgets_truncate_and_verify(kwargs, action, turns, reason):
    env = made(**kwargs)
    env.reset(seed=0)
    for _ in range(turns):
        _, reward, terminated, truncated, info = env.step(action)
    assert (reward, terminated, truncated, info["end_reason"]) == (0.0, False, True, reason)
    assert "verification" in info


def test_a_cut_off_response_runs_no_call_and_truncates():
    env = made()
    env.reset(options={"task_index": 7})
    whole = {
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [*said("7"), knock()],
    }
    observation, reward, terminated, truncated, info = env.step(whole)
    assert (reward, terminated, truncated, info["end_reason"]) == (1.0, False, True, "incomplete")
    assert env.knocks == 0
    assert "not run: the response was cut off (max_output_tokens)" in observation[-1]["output"]


def test_a_failing_verifier_is_an_error_and_no_reward():
    env = made()
    env.reset(seed=0)
    _, reward, terminated, truncated, info = env.step(said("crash"))
    assert math.isnan(reward)
    assert (terminated, truncated, info["end_reason"]) == (False, True, "error")
    assert "verification" not in info
    assert info["error"]["type"] == "RuntimeError"
    assert info["error"]["kind"] == "verifier"
    assert info["error"]["where"].startswith("verify in test_core.py:")


@pytest.mark.parametrize("reward", [math.nan, math.inf, "high", None, [1]])
def test_a_reward_that_is_no_finite_number_is_a_verifier_error(reward):
    class Wrong(Doors):
        def verify(self, task, episode):
            return reward

    env = made(Wrong)
    env.reset(seed=0)
    assert "error" in env.step(said("x"))[4]


def test_named_rewards_are_combined_by_their_weights():
    class Two(Doors):
        reward_weights: ClassVar = {"format": 0.25, "answer": 0.75}

        async def verify(self, task, episode):
            return Verification(rewards={"format": 1, "answer": 0.0}, seen={"deep": [1, math.nan]})

    env = made(Two)
    env.reset(seed=0)
    _, reward, *_, info = env.step(said("x"))
    assert reward == 0.25
    assert info["verification"] == {
        "reward": 0.25, "rewards": {"format": 1.0, "answer": 0.0}, "seen": {"deep": [1, None]},
    }  # fmt: skip


def test_a_named_reward_without_a_weight_is_an_error():
    class Forgotten(Doors):
        def verify(self, task, episode):
            return Verification(rewards={"format": 1.0})

    env = made(Forgotten)
    env.reset(seed=0)
    assert "reward_weights of Forgotten lacks ['format']" in env.step(said("x"))[4]["error"]["message"]


def test_a_user_turn_goes_on_with_the_conversation():
    class Talk(Doors):
        def respond(self, task, episode):
            return "And then?" if episode.turns == 1 else None

    env = made(Talk)
    env.reset(options={"task_index": 2})
    observation, _, terminated, *_ = env.step(said("hello"))
    assert observation[-1] == {"role": "user", "content": "And then?"}
    assert not terminated
    assert env.step(said("2"))[1:3] == (1.0, True)


class Bell(Doors):
    @gym_llm.tool
    def ring(self, how: str = "") -> str:
        """Ring, and be done."""
        self.end_episode()
        if how:
            raise gym_llm.ToolError(how)
        return "ding"

    def verify(self, task, episode):
        self.end_episode()
        return float(any(call.name == "ring" for call in episode.calls) and self.knocks)


RING = items.function_call("ring", {}, "r")


@pytest.mark.parametrize(
    ("action", "outputs"),
    [
        ([RING, knock()], ["ding", '{"knocks":1}']),
        ([knock(), items.function_call("ring", {"how": "hush"})], ['{"knocks":1}', '{"error":"hush"}']),
        ([*said("now"), knock(), RING], ['{"knocks":1}', "ding"]),
        ([{"type": "thought"}, knock(), RING], ['{"knocks":1}', "ding"]),
    ],
    ids=["first", "failed", "with a message", "with a problem"],
)
@pytest.mark.parametrize("kwargs", [{}, {"max_turns": 1}, {"max_tokens": 1}])
def test_a_tool_ends_the_episode_with_its_turn(action, outputs, kwargs):
    env = made(Bell, **kwargs)
    env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step(action)
    assert (reward, terminated, truncated, info["end_reason"]) == (1.0, True, False, "verified")
    assert [item["output"] for item in observation[-2:]] == outputs
    with pytest.raises(ResetNeeded, match="verified"):
        env.step(said("more"))
    env.reset(seed=0)
    assert env.step([knock()])[2] is False, "the next episode is another one"


def test_a_call_that_is_not_run_ends_nothing():
    env = made(Bell)
    env.reset(seed=0)
    whole = {"status": "incomplete", "output": [RING]}
    _, reward, terminated, truncated, info = env.step(whole)
    assert (reward, terminated, truncated, info["end_reason"]) == (0.0, False, True, "incomplete")


def test_a_verifier_cannot_turn_a_truncation_into_an_end():
    env = made(Bell, max_turns=1)
    env.reset(seed=0)
    assert env.step([knock()])[1:4] == (0.0, False, True)


def test_the_user_has_the_last_word():
    class Talk(Doors):
        def respond(self, task, episode):
            self.end_episode()
            return "Goodbye."

    env = made(Talk)
    env.reset(options={"task_index": 2})
    observation, reward, terminated, *_ = env.step(said("2"))
    assert (observation[-1]["content"], reward, terminated) == ("Goodbye.", 1.0, True)


def test_there_is_no_episode_to_end_before_it_began():
    class Hasty(Doors):
        def begin(self, task):
            self.end_episode()

    with pytest.raises(ResetNeeded, match="no episode"):
        made(Hasty).reset(seed=0)


@pytest.mark.parametrize("awaiting", [False, True])
def test_a_tool_that_only_the_row_declares_is_answered(awaiting):
    class Rows(Doors):
        tool_timeout = 0.05

        def answer_call(self, call):
            if call.name != "open":
                return super().answer_call(call)
            if "crash" in call.raw_arguments:
                raise RuntimeError("secret detail")
            return self.later(call) if awaiting else {"opened": call.raw_arguments}

        async def later(self, call):
            await asyncio.sleep(30 if "late" in call.raw_arguments else 0)
            return {"opened": call.raw_arguments}

    tools = [{"type": "function", "name": name, "parameters": {}} for name in ("open", "knock", "shut")]
    env = made(Rows, dataset=[{"responses_create_params": {"input": "x", "tools": tools}}])
    env.reset(seed=0)

    def output(name, arguments=""):
        observation, _, terminated, _, info = env.step([items.function_call(name, arguments)])
        env.reset(seed=0)
        return observation[-1]["output"], terminated, info

    assert output("open", "{not JSON")[:2] == ('{"opened":"{not JSON"}', False)
    assert output("knock")[0] == '{"knocks":1}'
    assert "unknown tool 'shut'. The tools are knock." in output("shut")[0]
    assert "The tools are knock." in output("listen")[0], "the class has it, the row does not offer it"
    told, _, info = output("open", "crash")
    assert told == '{"error":"open failed: RuntimeError"}'
    assert info["crashes"][0]["message"] == "secret detail"
    if awaiting:
        assert "open did not answer within 0.05 seconds" in output("open", "late")[0]


def test_an_awaiting_answer_is_known_beforehand():
    class Awaiting(gym_llm.ResponsesEnv):
        async def answer_call(self, call):
            return ""

    assert Awaiting.awaits
    assert not gym_llm.ResponsesEnv.awaits


def test_output_that_cannot_be_used_is_told_to_the_model():
    env = made()
    env.reset(seed=0)
    observation, *_, info = env.step([{"type": "thought"}, knock()])
    assert info["problems"] == ["item 0: unknown item type 'thought'."]
    assert observation[-1]["role"] == "user"
    assert "unknown item type" in observation[-1]["content"]


def test_call_ids_of_the_prompt_are_not_given_again():
    prompt = [items.message("x"), knock("a"), items.function_call_output("a", "1")]
    env = made(dataset=[{"responses_create_params": {"input": prompt}}])
    env.reset(seed=0)
    observation, *_ = env.step([knock("a")])
    assert observation[-1]["call_id"] == observation[-2]["call_id"] != "a"


def test_an_awaiting_tool_that_takes_too_long_is_answered():
    class Slow(Doors):
        tool_timeout = 0.02

        @gym_llm.tool
        async def listen(self) -> str:
            """Listen."""
            await asyncio.sleep(30)
            return ""

    env = made(Slow)
    env.reset(seed=0)
    assert "did not answer within 0.02 seconds" in env.step([items.function_call("listen", {})])[0][-1]["output"]


def test_long_tool_outputs_are_cut():
    class Long(Doors):
        max_output_chars = 100

        @gym_llm.tool
        def listen(self) -> str:
            """Listen."""
            return "x" * 1000

    env = made(Long)
    env.reset(seed=0)
    output = env.step([items.function_call("listen", {})])[0][-1]["output"]
    assert output == "x" * 100 + "\n(cut: 100 of 1000 characters)"


@pytest.mark.parametrize(
    "kwargs",
    [{"max_turns": 0}, {"max_turns": 1.5}, {"max_tokens": -1}, {"max_seconds": 0}, {"render_mode": "human"},
     {"dataset": []}, {"dataset": "no/such/file.jsonl"}, {"dataset": {"num_tasks": 3}}],
)  # fmt: skip
def test_wrong_settings_are_refused_at_make(kwargs):
    with pytest.raises(ConfigError):
        made(**kwargs)


def test_generated_tasks():
    class Endless(Doors):
        @classmethod
        def generate(cls, rng, low=0):
            return {"responses_create_params": {"input": "x"}, "code": low + int(rng.integers(1 << 30))}

    env = made(Endless, dataset={"num_tasks": 50, "seed": 1, "low": 5})
    codes = [env.tasks[index].code for index in range(50)]
    other = made(Endless, dataset={"num_tasks": 50, "seed": 2, "low": 5})
    assert codes == [env.tasks[index].code for index in range(50)]
    assert len(set(codes)) == 50
    assert not set(codes) & {other.tasks[index].code for index in range(50)}
    with pytest.raises(ConfigError, match="hihg"):
        made(Endless, dataset={"num_tasks": 5, "hihg": 5}).reset(seed=0)


@pytest.mark.parametrize("missing", ["verify", "solve", "generate"])
def test_what_an_author_left_out_is_named(missing):
    class Bare(gym_llm.ResponsesEnv):
        pass

    env = made(Bare)
    env.reset(seed=0)
    calls = {
        "verify": lambda: env.step(said("x")),
        "solve": lambda: env.solve(env.task),
        "generate": lambda: Bare.generate(env.np_random),
    }
    with pytest.raises(DefinitionError, match=r"Bare"):
        calls[missing]()


def test_a_row_model_of_another_kind_is_refused_at_import():
    with pytest.raises(DefinitionError, match=r"must extend gym_llm\.Task"):

        class Wrong(gym_llm.ResponsesEnv):
            Task = dict


def test_render_gives_the_conversation_as_text():
    env = made(render_mode="ansi")
    env.reset(options={"task_index": 1})
    env.step([knock()])
    assert env.render().splitlines() == ["user: Door 1", "call knock({})", '  -> {"knocks":1}']


def test_render_without_a_mode_warns():
    env = made()
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode='ansi'"):
        assert env.render() is None


def test_it_is_a_gymnasium_environment_with_its_wrappers():
    gymnasium.register("tests/Doors-v0", entry_point=lambda **kwargs: made(**kwargs))
    try:
        env = gymnasium.make("tests/Doors-v0", max_turns=2)
        assert env.reset(seed=0)[0] in env.observation_space
        assert env.unwrapped.max_turns == 2
    finally:
        gymnasium.registry.pop("tests/Doors-v0")
