"""WorkplaceAssistant's worlds and its task generator: consistent offices, requests with their ground truths."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter

import gymnasium
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.workplace_assistant import requests, tables
from gym_llm.envs.workplace_assistant.worlds import made_world, words
from gym_llm.errors import ConfigError
from gym_llm.items import assistant_message, function_call

SINGLE_STEP, SEVERAL_STEPS = 1, 2


def rows_of(table):
    return list(table.rows.values())


def digest(world):
    parts = [
        [dict(row) for row in rows_of(table)] for table in (world.emails, world.calendar, world.tasks, world.customers)
    ]
    return hashlib.sha256(json.dumps([parts, [dict(row) for row in world.visits]]).encode()).hexdigest()[:16]


def generated(rng_seed, **knobs):
    return requests.row(np.random.default_rng(rng_seed), **knobs)


def asked(row):
    return row["responses_create_params"]["input"][1]["content"]


@pytest.fixture(scope="module")
def env():
    return gymnasium.make("gym_llm/WorkplaceAssistant-v0").unwrapped


@pytest.fixture(params=[0, 1, 12345])
def world(request):
    return made_world(request.param)


def test_a_world_has_workbenchs_sizes_and_columns(world):
    held = (
        (world.emails, 500, tables.EMAIL), (world.calendar, 300, tables.EVENT), (world.tasks, 300, tables.TASK),
        (world.customers, 200, tables.CUSTOMER),
    )  # fmt: skip
    for table, size, columns in held:
        assert sorted(table.rows) == [f"{number:08d}" for number in range(size)]
        assert all(tuple(row) == columns for row in table.rows.values())
    assert len(world.visits) == 1000
    assert all(tuple(row) == tables.VISIT for row in world.visits)
    assert len(world.directory) == len(set(world.directory)) == 20


def test_mail_is_about_tasks_and_meetings_that_there_are(world):
    tasks = {(row["assigned_to_email"], f"News about: {row['task_name']}") for row in rows_of(world.tasks)}
    events = {(row["participant_email"], f"About the {row['event_name']}") for row in rows_of(world.calendar)}
    times = [row["sent_datetime"] for row in rows_of(world.emails)]
    assert {(row["sender/recipient"], row["subject"]) for row in rows_of(world.emails)} <= tasks | events
    assert times == sorted(set(times))
    assert "2023-10-01 09:00:00" <= times[0] <= times[-1] <= "2023-11-30 17:00:00"


def test_meetings_lie_in_working_hours_and_do_not_overlap(world):
    ends = np.datetime64("2023-01-01")
    for row in rows_of(world.calendar):
        start, minutes = np.datetime64(row["event_start"]), int(row["duration"])
        assert start >= ends
        ends = start + np.timedelta64(minutes, "m")
        assert row["event_start"][11:] >= "09:00:00"
        assert str(ends)[11:16] <= "18:00"
        assert start.astype("datetime64[D]").astype(int) % 7 not in (2, 3), "1970-01-01 was a Thursday"


def test_tasks_belong_to_the_board_of_their_assignee(world):
    teams = {f"{name}@{words()['domain']}": team for team, names in words()["staff"].items() for name in names}
    assert all(teams[row["assigned_to_email"]] == row["board"] for row in rows_of(world.tasks))
    assert {teams[row["assigned_to_email"]] for row in rows_of(world.customers)} == {"Sales"}
    assert Counter(row["board"] for row in rows_of(world.tasks)) == {"Back end": 100, "Front end": 100, "Design": 100}


def test_customers_are_distinct_and_followed_up_after_the_last_contact(world):
    customers = rows_of(world.customers)
    assert len({row["customer_name"] for row in customers}) == 200
    assert all(row["last_contact_date"] < row["follow_up_by"] for row in customers)
    contacts = [row["last_contact_date"] for row in customers]
    assert contacts == sorted(contacts, reverse=True)


def test_long_visits_engage(world):
    seconds = {
        engaged: np.mean(
            [int(v["session_duration_seconds"]) for v in world.visits if v["user_engaged"] == str(engaged)]
        )
        for engaged in (True, False)
    }
    assert seconds[True] > seconds[False]
    assert {v["date_of_visit"] for v in world.visits} <= {
        str(d) for d in np.arange("2023-09-01", "2023-12-01", dtype="M8[D]")
    }


def test_worlds_come_from_their_seeds_alone():
    made_world.cache_clear()
    first = digest(made_world(1))
    made_world.cache_clear()
    assert digest(made_world(1)) == first != digest(made_world(2))


def test_the_bundled_rows_world_is_the_one_they_were_made_for():
    assert digest(made_world(0)) == "6714e06b092265ea", "the bundled rows name ids of this world: make them anew"


def test_there_are_at_least_200_templates_in_five_domains():
    assert len(requests.TEMPLATES) >= 200
    counts = Counter(name.partition("/")[0] for name in requests.TEMPLATES)
    assert set(counts) == {"email", "calendar", "analytics", "project_management", "customer_relationship_manager"}
    assert min(counts.values()) >= 40


def test_every_template_makes_rows_that_its_ground_truth_solves(env):
    sizes, texts = Counter(), set()
    for name in requests.TEMPLATES:
        row = generated([3, 1], template=name)
        texts.add(asked(row))
        sizes[min(len(row["ground_truth"]), SEVERAL_STEPS)] += 1
        assert row["category"] == f"workplace_assistant_{name.partition('/')[0]}"
        assert row["ground_truth"] or "report" in row, "what changes nothing has to be answered"
        assert "{" not in asked(row), name
        for actions, reward in ((env.solve, 1), (lambda _: [[assistant_message("Done.\nReport: -1")]], 0)):
            env.reset(options={"task": row})
            for action in actions(env.task):
                *_, info = env.step(action)
            assert info["verification"]["reward"] == reward, (name, info)
    assert len(texts) == len(requests.TEMPLATES)
    assert sizes[SINGLE_STEP] >= 80
    assert sizes[SEVERAL_STEPS] >= 80


def test_conditions_hold_and_fail():
    name = "analytics/if-visits/email-last-from-forward"
    made = [generated([4, number], template=name) for number in range(30)]
    assert 5 < sum(bool(row["ground_truth"]) for row in made) < 25
    for row in made:
        limit = int(re.search(r"more than (\d+) visits", asked(row))[1])
        assert bool(row["ground_truth"]) == (row["report"] > limit)


def test_the_same_stream_gives_the_same_row_and_others_differ():
    assert generated(7) == generated(7)
    assert len({json.dumps(generated([8, number])) for number in range(100)}) == 100


def test_domains_come_equally_often():
    counts = Counter(generated([9, number])["category"] for number in range(250))
    assert len(counts) == 5
    assert min(counts.values()) >= 30


@pytest.mark.parametrize("domain", requests.DOMAINS)
def test_knobs_choose_domain_and_world(domain):
    env = gymnasium.make(
        "gym_llm/WorkplaceAssistant-v0", dataset={"num_tasks": 5, "domain": domain, "world": 4}
    ).unwrapped
    for index in range(5):
        env.reset(options={"task_index": index})
        assert (env.task.category, env.task.world) == (f"workplace_assistant_{domain}", 4)
        assert env.office.world is made_world(4)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"domain": "mail"}, "give one of email, calendar"),
        ({"template": "email/last-form/delete"}, "Did you mean 'email/last-from/delete'"),
        ({"speed": 1}, "speed"),
    ],
)
def test_bad_knobs_are_refused(knobs, message):
    with pytest.raises(ConfigError, match=message):
        gymnasium.make("gym_llm/WorkplaceAssistant-v0", dataset={"num_tasks": 1, **knobs}).reset(seed=0)


def worked(env, row, *steps):
    """Play tool calls that are worked out from the request and the tools' answers; return the reward."""
    env.reset(options={"task": row})
    answer = None
    for step in steps:
        calls = [function_call(name, arguments, f"c{n}") for n, (name, arguments) in enumerate(step(answer))]
        items = env.step(calls)[0]
        answer = json.loads(items[-1]["output"]) if items[-1]["output"][:1] in "{[" else items[-1]["output"]
    return env.step([assistant_message("Done.")])[1]


def address(name):
    return f"{name.lower().replace(' ', '.')}@{words()['domain']}"


def test_the_last_mail_from_someone_is_what_a_search_finds_first(env):
    for number in range(10):
        row = generated([11, number], template="email/last-from/delete")
        sender = re.search(r"(?:from|that) (\w+ \w+)", asked(row))[1]
        assert worked(
            env, row, lambda _, sender=sender: [("email_search_emails", {"query": address(sender)})],
            lambda found: [("email_delete_email", {"email_id": found["emails"][0]["email_id"]})],
        ) == 1  # fmt: skip


def test_all_meetings_of_a_day_are_what_a_search_finds(env):
    for number in range(10):
        row = generated([12, number], template="calendar/all-of-day/delete")
        day = re.search(r"\d{4}-\d\d-\d\d", asked(row))[0]
        assert worked(
            env, row,
            lambda _, day=day: [("calendar_search_events", {"time_min": day, "time_max": day, "page_size": 50})],
            lambda found: [("calendar_delete_event", {"event_id": event["event_id"]}) for event in found["events"]],
        ) == 1  # fmt: skip


def test_overdue_tasks_are_what_a_search_finds(env):
    for number in range(10):
        row = generated([13, number], template="project_management/overdue/delete")
        name = re.search(r"tasks? of (\w+ \w+)", asked(row))[1]
        assert worked(
            env, row,
            lambda _, name=name: [("project_management_search_tasks", {"assigned_to_email": address(name)})],
            lambda found: [
                ("project_management_delete_task", {"task_id": task["task_id"]}) for task in found
                if task["due_date"] < "2023-11-30" and task["list_name"] != "Completed"
            ],
        ) == 1  # fmt: skip


def test_late_customers_are_what_a_search_finds(env):
    for number in range(10):
        row = generated([14, number], template="customer_relationship_manager/late/delete")
        name = re.search(r"of (\w+ \w+)", asked(row))[1]
        status = re.search(r"Qualified|Won|Lost|Lead|Proposal", asked(row))[0]
        wanted = {
            "assigned_to_email": address(name), "status": status, "follow_up_by_max": "2023-11-29", "page_size": 100,
        }  # fmt: skip
        assert worked(
            env, row, lambda _, wanted=wanted: [("customer_relationship_manager_search_customers", wanted)],
            lambda found: [
                ("customer_relationship_manager_delete_customer", {"customer_id": customer["customer_id"]})
                for customer in found["customers"]
            ],
        ) == 1  # fmt: skip


def test_numbers_to_report_are_what_the_tools_count(env):
    for number in range(10):
        row = generated([15, number], template="analytics/visits-with-an-engaged-user/dates")
        first, last = re.findall(r"\d{4}-\d\d-\d\d", asked(row))
        env.reset(options={"task": row})
        assert sum(env.analytics_engaged_users_count(first, last).values()) == row["report"]
