"""CircleCount and CircleClick: the pictures show what the rows say, exact answers pay, first calls count."""

from __future__ import annotations

import base64
import struct
import zlib

import gymnasium
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.circle_click import CircleClick
from gym_llm.envs.circle_count import CircleCount
from gym_llm.envs.pictures import COLOURS, Circle, drawn
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import function_call

CIRCLES = [
    {"x": 30, "y": 40, "radius": 10, "color": "red"},
    {"x": 70, "y": 40, "radius": 5, "color": "blue"},
    {"x": 30, "y": 80, "radius": 20, "color": "red"},
]
CREATE = {"responses_create_params": {"input": "Look."}}
COUNT = CREATE | {"circles": CIRCLES, "target_color": "red"}
CLICK = CREATE | {"circles": CIRCLES, "target_color": "blue"}


def pixels_of(url):
    """Decode a PNG by hand: its pixels' colours, shape (height, width, 3)."""
    head, _, body = url.partition(",")
    assert head == "data:image/png;base64"
    data = base64.b64decode(body)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, chunks = 8, {}
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        name, inner = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        assert struct.unpack(">I", data[place + 8 + length : place + 12 + length]) == (zlib.crc32(name + inner),)
        chunks[name] = inner
        place += 12 + length
    width, height, bits, kind, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (bits, kind, rest, list(chunks)) == (8, 3, [0, 0, 0], [b"IHDR", b"PLTE", b"IDAT", b"IEND"])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), dtype=np.uint8).reshape(height, width + 1)
    assert not lines[:, 0].any()
    return np.frombuffer(chunks[b"PLTE"], dtype=np.uint8).reshape(-1, 3)[lines[:, 1:]]


def call(name, **arguments):
    return [function_call(name, arguments)]


@pytest.mark.parametrize(
    ("actions", "reward", "answered", "off_by"),
    [
        ([call("count", n=2), "There are 2."], 1, 1, 0),
        ([call("count", n=2), ""], 1, 1, 0),
        ([call("count", n="2"), "Done."], 1, 1, 0),
        (["I see <count>2</count>"], 1, 1, 0),
        (["<count>3</count>, no: <COUNT> 2 </COUNT>"], 1, 1, 0),
        ([call("count", n="many"), call("count", n=2), "Done."], 1, 1, 0),
        ([call("count", n=3), "There are 3."], 0, 1, 1),
        ([call("count", n=0), "None."], 0, 1, 2),
        ([call("count", n=-2), "Done."], 0, 1, 4),
        ([call("count", n=10**30), "Done."], 0, 1, 1_000_000),
        ([[*call("count", n=1), *call("count", n=2), *call("count", n=3)], "Done."], 0, 1, 1),
        ([call("count", n=3), "<count>2</count>"], 0, 1, 1),
        (["<count>2</count> <count>3</count>"], 0, 1, 1),
        (["<think><count>2</count></think>"], 0, 0, 0),
        (["2"], 0, 0, 0),
        (["\\boxed{2}"], 0, 0, 0),
        (["<count>two</count>"], 0, 0, 0),
        ([call("count", n=2.5), "Done."], 0, 0, 0),
        ([call("click", x=30, y=40), "Done."], 0, 0, 0),
        ([""], 0, 0, 0),
    ],
)
def test_counting(play, actions, reward, answered, off_by):
    found = play("CircleCount", COUNT, *actions)
    named = found["rewards"]
    assert (found["reward"], named["answered"], named["off_by"]) == (reward, answered, off_by)


@pytest.mark.parametrize(
    ("actions", "reward", "wrong", "distance"),
    [
        ([call("click", x=70, y=40), "Clicked."], 1, 0, 0),
        ([call("click", x=75, y=40), ""], 1, 0, 5),
        ([call("click", x=73, y=44), ""], 1, 0, 5),
        (["<click>70, 40</click>"], 1, 0, 0),
        (["<click>1 1</click> then <Click> 70 40 </Click>"], 1, 0, 0),
        ([call("click", x="left", y=4), call("click", x=70, y=41), "Done."], 1, 0, 1),
        ([call("click", x=76, y=40), ""], 0, 0, 6),
        ([call("click", x=40, y=70), ""], 0, 1, 30 * 2**0.5),
        ([call("click", x=30, y=40), ""], 0, 1, 40),
        ([[*call("click", x=30, y=40), *call("click", x=70, y=40)], "Done."], 0, 1, 40),
        ([call("click", x=30, y=40), "<click>70, 40</click>"], 0, 1, 40),
        (["<click>70, 40</click> <click>30, 40</click>"], 0, 1, 40),
        ([call("click", x=70), call("click", x=[70, 40], y=40), "Done."], 0, 0, 0),
        (["(70, 40)"], 0, 0, 0),
        (["<think><click>70, 40</click></think>"], 0, 0, 0),
        ([""], 0, 0, 0),
    ],
)
def test_clicking(play, actions, reward, wrong, distance):
    found = play("CircleClick", CLICK, *actions)
    named = found["rewards"]
    assert (found["reward"], named["wrong_circle"]) == (reward, wrong)
    assert named["distance"] == pytest.approx(distance)


def test_a_click_far_outside_is_judged(play):
    found = play("CircleClick", CLICK, call("click", x=10**50, y=-(10**50)), "Done.")
    assert (found["reward"], found["click"]) == (0, [1_000_000, -1_000_000])


def test_counts_inside_verifier_metadata(play):
    nested = CREATE | {"verifier_metadata": {"circles": CIRCLES, "target_color": "red"}}
    assert play("CircleCount", nested, call("count", n=2), "Done.")["reward"] == 1


def test_a_colour_that_is_not_there(play):
    assert play("CircleCount", COUNT | {"target_color": "green"}, "<count>0</count>")["reward"] == 1
    env = gymnasium.make("gym_llm/CircleClick-v0", dataset=[CLICK | {"target_color": "green"}])
    with pytest.raises(TaskError, match="no circle is 'green'"):
        env.reset(seed=0)


def test_a_picture_is_drawn_as_it_is_said():
    circles = [Circle.model_validate(circle) for circle in CIRCLES]
    pixels = pixels_of(drawn(circles, 110))
    assert pixels.shape == (110, 110, 3)
    down, right = np.mgrid[:110, :110]
    expected = np.full((110, 110, 3), 255)
    for circle in circles:
        expected[np.hypot(right - circle.x, down - circle.y) <= circle.radius] = COLOURS[circle.color]
    assert (pixels == expected).all()


@pytest.mark.parametrize("name", ["CircleCount", "CircleClick"])
def test_generated_pictures(name):
    env, again, other = (
        gymnasium.make(f"gym_llm/{name}-v0", dataset={"num_tasks": 10, "seed": seed}).unwrapped for seed in (1, 1, 2)
    )
    urls = set()
    for index, task in enumerate(env.tasks):
        assert env.tasks.row(index) == again.tasks.row(index) != other.tasks.row(index)
        image, asked = task.prompt[0]["content"]
        urls.add(image["image_url"])
        assert len(image["image_url"]) < 30_000
        assert task.target_color in asked["text"]
        pixels = pixels_of(image["image_url"])
        for circle in task.circles:
            assert tuple(pixels[int(circle.y), int(circle.x)]) == COLOURS[circle.color]
            assert circle.radius < min(circle.x, circle.y, 448 - circle.x, 448 - circle.y)
            for neighbour in task.circles:
                apart = circle.distance(neighbour.x, neighbour.y)
                assert circle is neighbour or apart > circle.radius + neighbour.radius
        observation, _ = env.reset(options={"task_index": index})
        assert observation in env.observation_space
        for action in env.solve(env.task):
            _, reward, terminated, _, _ = env.step(action)
        assert (reward, terminated) == (1, True)
    assert len(urls) == 10


def test_knobs_are_obeyed():
    row = CircleCount.generate(np.random.default_rng(0), num_circles=40, num_colours=2, size=1000, max_radius=20)
    assert len(row["circles"]) == 40
    assert len({circle["color"] for circle in row["circles"]}) == 2
    url = row["responses_create_params"]["input"][0]["content"][0]["image_url"]
    assert pixels_of(url).shape == (1000, 1000, 3)
    assert len(url) < 30_000
    row = CircleClick.generate(np.random.default_rng(0), num_circles=8)
    assert {circle["color"] for circle in row["circles"]} == set(COLOURS)


@pytest.mark.parametrize(
    ("owner", "knobs", "said"),
    [
        (CircleCount, {"num_circles": 101}, "give 1 to 100"),
        (CircleCount, {"num_colours": 9}, "1 to 8"),
        (CircleCount, {"size": 5000}, "32 to 1024"),
        (CircleCount, {"num_circles": 50, "size": 100}, "no room"),
        (CircleClick, {"num_circles": 9}, "1 to 8 circles"),
        (CircleClick, {"min_radius": 60}, "radii"),
        (CircleClick, {"size": 64, "min_radius": 40}, "no room|radii"),
    ],
)
def test_bad_knobs_are_refused(owner, knobs, said):
    with pytest.raises(ConfigError, match=said):
        owner.generate(np.random.default_rng(0), **knobs)


def test_no_imaging_library_is_needed():
    import subprocess
    import sys

    code = (
        "import sys; sys.modules['PIL'] = None; import gymnasium, gym_llm\n"
        "env = gymnasium.make('gym_llm/CircleCount-v0', dataset={'num_tasks': 2}); env.reset(seed=0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
