"""Judges behind a real socket: verdicts, and every way in which a server fails, which is never a verdict."""

from __future__ import annotations

import asyncio
import functools
import json
import subprocess
import sys

import gymnasium
import openai
import pytest

import gym_llm
from gym_llm import bridge, collect
from gym_llm.cli.main import main
from gym_llm.errors import JudgeError, ModelError
from gym_llm.items import assistant_message, message
from gym_llm.judges import JudgedEnv, RubricJudge, as_judge
from gym_llm.mock_model import MockModel
from gym_llm.policies import ScriptedPolicy

SPEC = {"model": "mock", "api_key_env": None}


def settings(server, **more):
    return {**SPEC, "base_url": server.base_url, **more}


def careful(request):
    """Answer as a careful judge would: by the candidate, which it finds behind its mark."""
    text = request.input[-1]["content"]
    shown = text if isinstance(text, str) else text[0]["text"]
    candidate = shown.split("<<candidate ")[1].split("\n", 1)[1].split("\n<<end of candidate")[0]
    reference = shown.split("<<reference ")[1].split("\n", 1)[1].split("\n<<end of reference")[0]
    equal = candidate.strip().lower() == reference.strip().lower()
    return [assistant_message(f"The candidate says {candidate!r}.\n\n[[{'A=B' if equal else 'A!=B'}]]")]


@pytest.mark.parametrize("kind", ["openai", "chat"])
def test_verdicts_over_the_wire(parts, kind):
    with MockModel(answerer=careful, keep_requests=4) as server:
        judge = as_judge(settings(server, type=kind, temperature=0))
        assert asyncio.run(judge(**parts)).label == "A!=B"
        assert asyncio.run(judge(**{**parts, "candidate": "4"})).label == "A=B"
        assert [body["temperature"] for body in server.recent] == [0, 0]


FAILURES = [
    ({"faults": "server_error"}, "server"),
    ({"faults": "unavailable"}, "server"),
    ({"faults": "unauthorized"}, "auth"),
    ({"faults": "not_found"}, "not_found"),
    ({"faults": "hang"}, "timeout"),
    ({"faults": "slow:interval:0.05"}, "timeout"),
    ({"faults": "drop"}, "connection"),
    ({"faults": "drop_mid_body"}, "truncated|connection"),
    ({"faults": "truncated_length"}, "truncated"),
    ({"faults": "malformed_json"}, "invalid_response|truncated"),
    ({"faults": "html"}, "server|invalid_response"),
    ({"faults": "incomplete"}, "clear verdict"),
    ({"faults": "content_filter"}, "clear verdict"),
    ({"text": "I would say that they are equal."}, "clear verdict"),
    ({"text": "[[A=B]] or [[A!=B]]"}, "clear verdict"),
    ({"answers": "random"}, "clear verdict"),
]


@pytest.mark.parametrize(("options", "reason"), FAILURES)
def test_a_failing_server_gives_no_verdict(parts, options, reason):
    with MockModel(**{"text": "[[A=B]]", **options}) as server:
        judge = as_judge(settings(server, timeout=0.4, max_attempts=1, attempts=2))
        with pytest.raises(JudgeError, match=reason):
            asyncio.run(judge(**parts))


def test_what_passes_is_tried_again(parts):
    with MockModel(text="[[A=B]]", faults="server_error:first:1") as server:
        assert asyncio.run(as_judge(settings(server, max_attempts=3))(**parts)).label == "A=B"
        assert server.stats.requests == 2


def test_a_kept_verdict_needs_no_server(parts, tmp_path):
    with MockModel(text="[[A=B]]") as server:
        judge = as_judge(settings(server, cache=str(tmp_path)))
        assert asyncio.run(judge(**parts)).attempts == 1
        assert asyncio.run(judge(**parts)).attempts == 0
        assert server.stats.requests == 1
    assert asyncio.run(judge(**parts)).label == "A=B"


def test_a_function_around_another_client_judges(parts):
    with MockModel(answerer=careful) as server:

        async def by_client(observation):
            async with openai.AsyncOpenAI(base_url=server.base_url, api_key="none") as client:
                return await client.responses.create(model="mock", input=observation)

        assert asyncio.run(as_judge(by_client)(**{**parts, "candidate": "4"})).label == "A=B"


def test_criteria_are_judged_at_once():
    with MockModel(text="[[MET]]", latency=0.1) as server:
        rubric = RubricJudge(settings(server), ["a", "b", {"text": "c", "weight": -1}])
        result = asyncio.run(rubric(question="q", candidate="c"))
        assert result.score == pytest.approx(0.5)
        assert server.stats.max_in_flight == 3


ENVIRONMENTS = [
    ("gym_llm/EquivalenceLLMJudge-v0", {}, r"\boxed{something else}"),
    ("gym_llm/MathWithJudge-v0", {}, r"\boxed{123456789}"),
]


def step(env, text):
    env.reset(options={"task_index": 0})
    return env.step([assistant_message(text)])


@pytest.mark.parametrize(("env_id", "kwargs", "text"), ENVIRONMENTS)
@pytest.mark.parametrize(
    "options",
    [{"faults": "server_error"}, {"faults": "hang"}, {"text": "Both are fine."}],
    ids=["500", "hang", "vague"],
)
def test_a_failed_judge_is_an_error_and_never_a_reward(env_id, kwargs, text, options):
    with MockModel(**options) as server:
        judge = settings(server, timeout=0.3, max_attempts=1, attempts=1)
        env = gymnasium.make(env_id, judge=judge, disable_env_checker=True, **kwargs)
        _, reward, terminated, truncated, info = step(env, text)
        assert reward != reward, "the reward is not a number"
        assert (terminated, truncated) == (False, True)
        assert (info["error"]["type"], info["error"]["kind"]) == ("JudgeError", "verifier")
        assert "verification" not in info


def test_a_collection_keeps_no_episode_without_a_verdict(tmp_path):
    with MockModel(text="I cannot tell.") as server:
        rows = list(collect(
            "gym_llm/EquivalenceLLMJudge-v0", ScriptedPolicy(), output=tmp_path / "a.jsonl", limit=2, num_workers=0,
            env_kwargs={"judge": settings(server, attempts=1)}, progress=False,
        ))  # fmt: skip
    assert rows == []
    failed = [json.loads(line) for line in (tmp_path / "a_failures.jsonl").read_text().splitlines()]
    assert {each["error"]["type"] for each in failed} == {"JudgeError"}
    assert {each["_ng_task_index"] for each in failed} == {0, 1}


class Judged(JudgedEnv):
    """Asks its judge in the verifier, or before the user's turn."""

    def begin(self, task):
        self.where = task.where

    async def respond(self, task, episode):
        if self.where == "respond":
            await self.judge(question="q", reference="r", candidate="c")

    async def verify(self, task, episode):
        if self.where == "own":
            raise type("JudgeError", (Exception,), {"fatal": True, "kind": "auth"})("401: wrong key")
        if self.where == "verify":
            await self.judge(question="q", reference="r", candidate="c")
        if self.where == "bare":
            await self.judge.policy([message("right?")], {"responses_create_params": {}})
        if self.where == "wrapped":
            try:
                await self.judge.policy([message("right?")], {"responses_create_params": {}})
            except ModelError as error:
                raise LookupError("no verdict: 401 key") from error
        return 1.0


DONE = [assistant_message("done")]
ANYWHERE, HERE = ScriptedPolicy([DONE]), lambda observation: DONE  # one is rebuilt in the workers, one asked here


def gather(judge, places, output, policy, num_workers):
    rows = [{"responses_create_params": {"input": str(n)}, "where": where} for n, where in enumerate(places)]
    make = functools.partial(Judged, judge=judge, dataset=rows)
    return collect(make, policy, output=output, num_workers=num_workers, concurrency=1, max_attempts=1, progress=False)


@pytest.mark.parametrize("num_workers", [0, 1])
@pytest.mark.parametrize("policy", [ANYWHERE, HERE], ids=["anywhere", "here"])
@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("verify", r"^the judge mock failed \(auth\): .*answered 401.*key"),
        ("respond", r"^the judge mock failed \(auth\): .*answered 401.*key"),
        ("bare", r"answered 401.*key"),
        ("wrapped", r"^no verdict: 401 key"),
    ],
)
def test_a_judges_wrong_key_ends_a_collection(tmp_path, place, told, policy, num_workers):
    with MockModel(text="[[A=B]]", api_key="right") as server:
        judge = {"model": "mock", "base_url": server.base_url, "api_key": "wrong"}
        with pytest.raises(JudgeError, match=told) as caught:
            gather(judge, ["none"] * 3 + [place] * 9, tmp_path / "a.jsonl", policy, num_workers)
        assert caught.value.fatal
        assert "wrong" not in str(caught.value)
        assert server.stats.requests == 1
        assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 3
        assert not (tmp_path / "a_failures.jsonl").exists()


@pytest.mark.parametrize("num_workers", [0, 1])
@pytest.mark.parametrize("policy", [ANYWHERE, HERE], ids=["anywhere", "here"])
def test_other_failures_do_not_end_a_collection(tmp_path, policy, num_workers):
    places = ["own", "verify", "none"] * 2
    with MockModel(text="Both are fine.") as server:
        done = gather(settings(server, attempts=1), places, tmp_path / "a.jsonl", policy, num_workers)
    assert (done.episodes, done.failures) == (2, 4)
    failed = [json.loads(line)["error"] for line in done.failures_path.read_text().splitlines()]
    assert ["fatal" in error for error in failed] == [False] * 4


def test_a_judges_wrong_key_is_told_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JUDGE_KEY", "wrong")
    with MockModel(text="[[A=B]]", api_key="right") as server:
        judge = f"{{model:mock,base_url:'{server.base_url}',api_key_env:JUDGE_KEY}}"
        words = ["collect", "EquivalenceLLMJudge", f"+env_kwargs.judge={judge}", f"output={tmp_path / 'a.jsonl'}"]
        assert main([*words, "policy=scripted", "num_workers=0", "progress=false"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("gym-llm: error: the judge mock failed (auth): ")
    assert "JUDGE_KEY" in line


@pytest.mark.parametrize(("env_id", "kwargs", "text"), ENVIRONMENTS)
def test_a_judge_decides_what_a_rule_cannot(env_id, kwargs, text):
    with MockModel(text="Fine.\n[[A=B]]") as server:
        assert step(gymnasium.make(env_id, judge=settings(server), **kwargs), text)[1] == 1
        assert step(gymnasium.make(env_id, **kwargs), text)[1] == 0


def test_the_bound_holds_for_all_environments_of_a_process():
    with MockModel(text="[[A=B]]", latency=0.02) as server:
        judge = settings(server, concurrency=4)
        envs = [gymnasium.make("gym_llm/EquivalenceLLMJudge-v0", judge=dict(judge)) for _ in range(24)]
        for env in envs:
            env.reset(options={"task_index": 0})

        async def main():
            await asyncio.gather(*(bridge.run(env.step, [assistant_message(r"\boxed{x}")]) for env in envs))

        asyncio.run(main())
        assert server.stats.requests == 24
        assert server.stats.max_in_flight == 4


def test_workers_judge_by_connections_of_their_own():
    with MockModel(text="[[A=B]]", api_key="sk-in-worker") as server:
        judge = {"model": "mock", "base_url": server.base_url, "api_key": "sk-in-worker"}
        envs = gym_llm.make_vec("gym_llm/EquivalenceLLMJudge-v0", num_envs=4, num_workers=2, judge=judge)
        try:
            envs.reset(seed=0)
            _, rewards, *_ = envs.step([[assistant_message(r"\boxed{x}")]] * 4)
        finally:
            envs.close()
        assert list(rewards) == [1.0] * 4
        assert server.stats.max_connections >= 2


def test_a_key_is_in_no_record_and_no_specification(tmp_path):
    with MockModel(text="[[A=B]]", api_key="sk-very-secret") as server:
        judge = {"model": "mock", "base_url": server.base_url, "api_key": "sk-very-secret"}
        env = gymnasium.make("gym_llm/EquivalenceLLMJudge-v0", judge=judge)
        assert "sk-very-secret" not in env.spec.to_json() + repr(env.spec) + repr(env.unwrapped.judge)
        for num_workers in (0, 1):
            output = tmp_path / f"{num_workers}.jsonl"
            policy = ScriptedPolicy([[assistant_message(r"\boxed{x}")]])
            rows = list(collect(
                "gym_llm/EquivalenceLLMJudge-v0", policy, output=output, env_kwargs={"judge": judge}, limit=2,
                num_workers=num_workers, progress=False,
            ))  # fmt: skip
            assert [row["reward"] for row in rows] == [1.0, 1.0]
        for path in tmp_path.rglob("*"):
            assert not path.is_file() or b"sk-very-secret" not in path.read_bytes(), path
        assert judge["api_key"] == "sk-very-secret"


def test_a_rebuilt_environment_takes_its_key_from_the_surroundings(monkeypatch):
    with MockModel(text="[[A=B]]", api_key="sk-surroundings") as server:
        judge = {"model": "mock", "base_url": server.base_url, "api_key_env": "JUDGE_KEY"}
        monkeypatch.setenv("JUDGE_KEY", "sk-surroundings")
        spec = gymnasium.make("gym_llm/EquivalenceLLMJudge-v0", judge=judge).spec.to_json()
        code = (
            "import sys, gymnasium, gym_llm\n"
            "from gymnasium.envs.registration import EnvSpec\n"
            "env = gymnasium.make(EnvSpec.from_json(sys.argv[1]))\n"
            "env.reset(seed=0)\n"
            "print(env.step([{'role': 'assistant', 'content': '\\\\boxed{x}'}])[1])"
        )
        done = subprocess.run([sys.executable, "-c", code, spec], capture_output=True, text=True, timeout=60)
        assert done.stdout.strip() == "1.0", done.stderr
        assert json.loads(spec)["kwargs"]["judge"]["policy"]["api_key_env"] == "JUDGE_KEY"
