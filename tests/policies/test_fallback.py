"""`FallbackPolicy`: episodes stay where they began, endpoints may die and come back, and nothing is hidden."""

from __future__ import annotations

import asyncio
import pickle

import gymnasium
import pytest
from raw_server import ITEMS, http

from gym_llm.errors import ConfigError, ModelError
from gym_llm.mock_model import MockModel
from gym_llm.policies import FallbackPolicy, OpenAIPolicy, Policy, as_policy, fallback, members

FAST = {"max_attempts": 1, "timeout": 5.0}


@pytest.fixture
def env():
    return gymnasium.make("CartPole-v1")


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""

    class Clock:
        now = 1000.0

        def monotonic(self) -> float:
            return self.now

    clock = Clock()
    for module in (fallback, members):
        monkeypatch.setattr(module, "time", clock)
    return clock


class Scripted(Policy):
    """Answers, or fails while `error` is set; counts its calls."""

    def __init__(self, name: str) -> None:
        self.name, self.error, self.calls, self.hold = name, None, 0, None

    async def __call__(self, observation, info):
        self.calls += 1
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        return {"output": [], "_gym_llm": {"latency": 0.1, "attempts": []}}

    def spec(self):
        return {"type": "scripted", "base_url": self.name}


def failure(kind="connection", fatal=False):
    return ModelError(f"{kind}!", kind=kind, fatal=fatal, retryable=not fatal, attempts=[{"kind": kind}])


def several(*names, **settings):
    policies = [Scripted(name) for name in names]
    return policies, FallbackPolicy(policies, **settings)


def test_episodes_stay_where_they_began(env):
    policies, policy = several("a", "b", "c")

    async def main():
        for _ in range(9):
            act = policy.for_episode(env, 0)
            answers = [(await act(ITEMS, {}))["_gym_llm"]["endpoint"] for _ in range(4)]
            assert len(set(answers)) == 1

    asyncio.run(main())
    assert [policy.calls for policy in policies] == [12, 12, 12]


def test_new_episodes_go_where_least_is_in_flight(env):
    (slow, quick), policy = several("slow", "quick")

    async def main():
        slow.hold = asyncio.Event()
        waiting = asyncio.create_task(policy.for_episode(env, 0)(ITEMS, {}))
        await asyncio.sleep(0)
        for _ in range(5):
            assert (await policy.for_episode(env, 0)(ITEMS, {}))["_gym_llm"]["endpoint"] == "quick"
        slow.hold.set()
        await waiting

    asyncio.run(main())
    assert (slow.calls, quick.calls) == (1, 5)


def test_least_busy_chooses_at_every_call(env):
    policies, policy = several("a", "b", routing="least_busy")

    async def main():
        act = policy.for_episode(env, 0)
        return [(await act(ITEMS, {}))["_gym_llm"]["endpoint"] for _ in range(6)]

    assert asyncio.run(main()) == ["a", "b"] * 3
    assert [each.calls for each in policies] == [3, 3]


def test_dead_endpoint_is_left_and_the_record_says_so(env):
    (a, _), policy = several("a", "b")

    async def main():
        act = policy.for_episode(env, 0)
        await act(ITEMS, {})
        a.error = failure()
        moved = await act(ITEMS, {})
        assert moved["_gym_llm"]["endpoint"] == "b"
        assert moved["_gym_llm"]["attempts"] == [{"kind": "connection", "endpoint": "a"}]
        a.error = None
        stayed = await act(ITEMS, {})
        assert stayed["_gym_llm"] == {"latency": 0.1, "attempts": [], "endpoint": "b"}

    asyncio.run(main())


def test_endpoint_is_tried_again_by_one_request_after_the_pause(env, clock):
    (a, _), policy = several("a", "b", cooldown=30)

    async def episode():
        return (await policy.for_episode(env, 0)(ITEMS, {}))["_gym_llm"]["endpoint"]

    async def main():
        a.error = failure()
        assert [await episode() for _ in range(3)] == ["b", "b", "b"]
        assert a.calls == 1
        clock.now += 31
        a.hold = asyncio.Event()
        trial = asyncio.create_task(episode())
        await asyncio.sleep(0)
        assert [await episode() for _ in range(3)] == ["b", "b", "b"]
        a.hold.set()
        assert await trial == "b"
        assert a.calls == 2
        clock.now += 31
        a.error = None
        assert await episode() == "a"
        assert {await episode(), await episode()} == {"a"}  # it has had fewer episodes

    asyncio.run(main())


def test_all_dead_is_one_error_that_lists_each(env):
    (a, b), policy = several("a", "b")
    a.error, b.error = failure(), failure("server")
    with pytest.raises(ModelError) as caught:
        asyncio.run(policy.for_episode(env, 0)(ITEMS, {}))
    error = caught.value
    assert str(error) == "no endpoint answers:\n  connection!\n  server!"
    assert (error.retryable, error.fatal) == (True, False)
    assert [attempt["endpoint"] for attempt in error.attempts] == ["a", "b"]
    b.error = None  # though it is in its pause, it is asked before a request is given up
    assert asyncio.run(policy.for_episode(env, 0)(ITEMS, {}))["_gym_llm"]["endpoint"] == "b"


def test_wrong_key_of_one_is_told_once_and_survived(env):
    (a, b), policy = several("a", "b")
    a.error = failure("auth", fatal=True)
    with pytest.warns(UserWarning, match=r"auth!; its episodes go to the other endpoints"):
        asyncio.run(policy.for_episode(env, 0)(ITEMS, {}))
    assert asyncio.run(policy.for_episode(env, 0)(ITEMS, {}))["_gym_llm"]["endpoint"] == "b"
    b.error = failure("not_found", fatal=True)
    with pytest.warns(UserWarning, match="not_found"), pytest.raises(ModelError) as caught:
        asyncio.run(policy.for_episode(env, 0)(ITEMS, {}))
    assert caught.value.fatal


@pytest.mark.parametrize("kind", ["bad_request", "context_overflow", "content_filter", "too_large"])
def test_what_the_request_itself_is_refused_for_goes_nowhere_else(kind, env):
    (a, b), policy = several("a", "b")
    a.error = failure(kind)
    with pytest.raises(ModelError, match=kind):
        asyncio.run(policy.for_episode(env, 0)(ITEMS, {}))
    assert b.calls == 0


def test_busy_endpoint_is_not_taken_for_dead(env):
    (a, b), policy = several("a", "b")
    a.error = failure("rate_limit")
    asyncio.run(policy.for_episode(env, 0)(ITEMS, {}))
    a.error = None
    assert {asyncio.run(policy.for_episode(env, 0)(ITEMS, {}))["_gym_llm"]["endpoint"] for _ in range(2)} == {"a", "b"}
    assert b.calls == 2


def test_list_of_addresses_in_a_spec():
    addresses = ["http://one:1/v1", "http://two:2/v1"]
    policy = as_policy({"type": "openai", "model": "m", "base_url": addresses, "temperature": 0.5})
    assert isinstance(policy, FallbackPolicy)
    assert policy.spec()["base_url"] == addresses
    assert policy.spec()["temperature"] == 0.5
    assert as_policy(policy.spec()) == policy == pickle.loads(pickle.dumps(policy))
    chat = as_policy({"type": "chat", "model": "m", "base_url": addresses, "routing": "least_busy", "cooldown": 5})
    assert (chat.spec()["type"], chat.spec()["routing"], chat.spec()["cooldown"]) == ("chat", "least_busy", 5.0)


def test_different_policies_in_a_spec():
    specs = [{"type": "openai", "model": model, "base_url": "http://one:1/v1"} for model in ("m", "n")]
    policy = FallbackPolicy(specs)
    assert policy.spec()["type"] == "fallback"
    assert as_policy(policy.spec()) == policy


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"base_url": []}, "at least one address"),
        ({"base_url": ["http://a/v1", "http://a/v1"]}, "each once"),
        ({"base_url": ["http://a/v1", "b"]}, "'b' is not an address"),
        ({"base_url": ["http://a/v1"], "routing": "random"}, "sticky, least_busy"),
        ({"base_url": ["http://a/v1"], "cooldown": 0}, "cooldown=0"),
        ({"base_url": ["http://a/v1"], "temprature": 0}, "Did you mean 'temperature'"),
    ],
)
def test_wrong_settings(settings, says):
    with pytest.raises(ConfigError, match=says):
        as_policy({"type": "openai", "model": "m", **settings})


def test_list_given_to_one_policy_names_the_cure():
    with pytest.raises(ConfigError, match="FallbackPolicy"):
        OpenAIPolicy("m", ["http://a/v1"])  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="one per endpoint"):
        FallbackPolicy([])


def of_servers(*addresses, **settings):
    return as_policy({"type": "openai", "model": "m", "base_url": list(addresses), **FAST, **settings})


def test_server_that_dies_costs_no_answer(env):
    seen = []

    async def main():
        async with MockModel(text="Hi.", latency=0.01) as one:
            two = await MockModel(text="Hi.", latency=0.01).start()
            policy = of_servers(one.base_url, two.base_url)

            async def episode():
                act = policy.for_episode(env, 0)
                answers = []
                for _ in range(5):
                    answers.append((await act(ITEMS, {}))["_gym_llm"]["endpoint"])
                    seen.append(answers[-1])
                return answers

            tasks = [asyncio.create_task(episode()) for _ in range(40)]
            while two.base_url not in seen:
                await asyncio.sleep(0.001)
            await two.stop()
            answers = await asyncio.gather(*tasks)
            await policy.close()
            return answers, one.base_url, two.base_url

    answers, one, two = asyncio.run(main())
    assert {episode[-1] for episode in answers} == {one}
    assert any(two in episode for episode in answers)
    for episode in answers:
        assert episode == sorted(episode, key=(two, one).index), "it moved more than once"


def test_probe_goes_on_without_what_may_come_back(raw_server):
    with MockModel() as server:
        dead = "http://127.0.0.1:9/v1"
        found = asyncio.run(of_servers(server.base_url, dead).probe())
    assert [health.endpoint for health in found] == [server.base_url, dead]
    assert found[0].problem is None
    assert "Connection refused" in str(found[1].problem)


def test_probe_refuses_what_will_not_pass(raw_server):
    wrong = raw_server(http(b'{"error": "No."}', "401 Unauthorized"))
    with MockModel() as server, pytest.raises(ModelError) as caught:
        asyncio.run(of_servers(server.base_url, wrong.base_url).probe())
    assert str(caught.value).startswith("1 of 2 endpoints cannot be used:\n  " + wrong.base_url)
    assert caught.value.fatal


def test_probe_of_dead_endpoints_lists_all():
    with pytest.raises(ModelError) as caught:
        asyncio.run(of_servers("http://127.0.0.1:9/v1", "http://127.0.0.1:11/v1").probe())
    assert str(caught.value).count("Connection refused") == 2


def test_keys_of_all_endpoints_are_secrets(monkeypatch):
    policies = [OpenAIPolicy("m", f"http://{name}/v1", api_key=f"key-{name}") for name in "ab"]
    assert FallbackPolicy(policies).secrets() == ["key-a", "key-b"]
    assert "key-" not in repr(FallbackPolicy(policies))
