"""The flame graph shows whose CPU it was, as wide as its share, and cannot be broken out of by a name."""

from __future__ import annotations

import re
import signal
import threading
import time

import pytest

from gym_llm.bench import profile
from gym_llm.bench.flame import page, sampling, tree
from gym_llm.errors import ConfigError


def spin(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_samples_are_of_what_uses_cpu():
    handler = signal.getsignal(signal.SIGPROF)
    with sampling() as stacks:
        spin(0.3)
        time.sleep(0.3)
    assert signal.getsignal(signal.SIGPROF) is handler
    assert stacks.total() >= 5
    inside = sum(count for stack, count in stacks.items() if any(name.endswith(":spin") for name in stack))
    assert inside >= 0.7 * stacks.total()


def test_counts_add_up_through_the_tree():
    root = tree({("m:a", "m:b"): 3, ("m:a", "m:c"): 1, ("m:a",): 2, ("m:d",): 4})
    assert root.samples == 10
    assert root.below["m:a"].samples == 6
    assert sum(bar.samples for bar in root.below["m:a"].below.values()) == 4


def test_bars_are_as_wide_as_their_share_and_names_are_escaped():
    text = page("<b>title</b>", {("gym_llm.policies.x:a.<locals>.b",): 3, ("json:loads",): 1})
    assert "<locals>" not in text
    assert "<b>title" not in text
    widths = re.findall(r'class="(\w+)" data-x="([\d.]+)" data-w="([\d.]+)"', text)
    assert widths == [("other", "0.000000", "1.000000"), ("policies", "0.000000", "0.750000"),
                      ("other", "0.750000", "0.250000")]  # fmt: skip


def test_page_stands_alone():
    text = page("t", {("m:f",): 1})
    assert not re.search(r"(src|href)=|@import|url\(", text)
    assert text.count("://") == text.count("http://www.w3.org/2000/svg")
    assert not re.search(r"\{(title|samples|height|bars)\}", text)


def test_page_of_no_samples_is_a_page():
    assert "0 samples" in page("t", {})


def test_only_the_main_thread_is_sampled():
    refused = []

    def elsewhere():
        try:
            with sampling():
                pass
        except ConfigError as error:
            refused.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "main thread" in refused[0]


def test_profile_of_a_collection(tmp_path):
    path = tmp_path / "profile.html"
    assert profile("gym_llm/MCQA-v0", path, episodes=200, latency=0, concurrency=50) > 0
    text = path.read_text("utf-8")
    assert "gym_llm/MCQA-v0" in text
    assert "gym_llm.rollouts.collect:collect" in text
    assert "gym_llm.bench." not in text


@pytest.fixture(autouse=True)
def no_timer_left():
    yield
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
