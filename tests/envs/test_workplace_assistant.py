"""WorkplaceAssistant: when two offices are alike, what has to be said, rows of NeMo Gym's, what resets cost."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.workplace_assistant import WorkplaceAssistant
from gym_llm.envs.workplace_assistant.worlds import made_world
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import assistant_message, function_call

SHARED = Path(os.environ.get("GYM_LLM_SHARED", Path(__file__).parents[3] / "shared"))
WORKBENCH = SHARED / "data" / "workplace_assistant"
needs_workbench = pytest.mark.skipif(not WORKBENCH.is_dir(), reason="the WorkBench tables are not beside this checkout")

WORLD = made_world(0)
MAILS, EVENTS, TASKS, CUSTOMERS = (
    list(table.rows.values()) for table in (WORLD.emails, WORLD.calendar, WORLD.tasks, WORLD.customers)
)
MAIL, EVENT, TASK, CUSTOMER = (rows[0][next(iter(rows[0]))] for rows in (MAILS, EVENTS, TASKS, CUSTOMERS))
ADDRESS = WORLD.directory[3]
NEW_STATUS = "Lost" if CUSTOMERS[0]["status"] == "Won" else "Won"


def call(name, /, **arguments):
    return {"name": name, "arguments": json.dumps(arguments)}


def row(*ground_truth, **fields):
    return {
        "id": 1, "responses_create_params": {"input": "Please."}, "ground_truth": list(ground_truth),
        "category": "workplace_assistant_email", "environment_name": "workplace_assistant", "world": 0, **fields,
    }  # fmt: skip


def said(*calls):
    """Return the action that makes calls given as in a ground truth."""
    return [function_call(c["name"], c["arguments"], f"c{i}") for i, c in enumerate(calls)]


def make(*ground_truth, settings=None, **fields):
    env = gymnasium.make("gym_llm/WorkplaceAssistant-v0", dataset=[row(*ground_truth, **fields)], **settings or {})
    env.reset(seed=0)
    return env


def answered(env, name, /, **arguments):
    """Call a tool; return its parsed answer."""
    output = env.step([function_call(name, arguments)])[0][-1]["output"]
    try:
        return json.loads(output)
    except ValueError:
        return output


DELETE = call("email_delete_email", email_id=MAIL)
SEND = call("email_send_email", recipient=ADDRESS, subject="Lunch", body="At noon?")
SEND_TOO = call("email_send_email", recipient=ADDRESS, subject="Dinner", body="At seven?")
MEET = call(
    "calendar_create_event", event_name="Chess", participant_email=ADDRESS, event_start="2023-12-01 09:00:00",
    duration="30",
)  # fmt: skip
MEET_TOO = call(
    "calendar_create_event",
    event_name="Go",
    participant_email=ADDRESS,
    event_start="2023-12-04 09:00:00",
    duration="60",
)
CANCEL = call("calendar_delete_event", event_id=EVENT)
PLOT = call(
    "analytics_create_plot", time_min="2023-10-01", time_max="2023-10-31", value_to_plot="total_visits", plot_type="bar"
)
PLOT_TOO = call(
    "analytics_create_plot", time_min="2023-10-01", time_max="2023-10-31", value_to_plot="user_engaged", plot_type="bar"
)
MOVE = call("project_management_update_task", task_id=TASK, field="list_name", new_value="In Review")
NEW_TASK = call(
    "project_management_create_task", task_name="Clean up", assigned_to_email=TASKS[0]["assigned_to_email"],
    list_name="Backlog", due_date="2023-12-05", board="Design",
)  # fmt: skip
STATUS = call(
    "customer_relationship_manager_update_customer", customer_id=CUSTOMER, field="status", new_value=NEW_STATUS
)
NEW_CUSTOMER = call(
    "customer_relationship_manager_add_customer", customer_name="Zoe Zander", assigned_to_email=ADDRESS, status="Lead"
)
LOOK = call("company_directory_find_email_address", name="a")


def changed(original, **arguments):
    return {"name": original["name"], "arguments": json.dumps(json.loads(original["arguments"]) | arguments)}


def update(event_id=EVENT, **change):
    ((field, value),) = change.items()
    return call("calendar_update_event", event_id=event_id, field=field, new_value=value)


EVERYTHING = (DELETE, SEND, MEET, CANCEL, PLOT, MOVE, NEW_TASK, STATUS, NEW_CUSTOMER)

RIGHT = {
    "the same calls": ((DELETE,), (DELETE,)),
    "everything": (EVERYTHING, EVERYTHING),
    "everything the other way round": (EVERYTHING, EVERYTHING[::-1]),
    "delete and send swapped": ((DELETE, SEND), (SEND, DELETE)),
    "two sent in another order": ((SEND, SEND_TOO), (SEND_TOO, SEND)),
    "two meetings in another order": ((MEET, MEET_TOO), (MEET_TOO, MEET)),
    "two plots in another order": ((PLOT, PLOT_TOO), (PLOT_TOO, PLOT)),
    "create before delete": ((CANCEL, MEET), (MEET, CANCEL)),
    "reads in between": ((DELETE,), (LOOK, DELETE, call("email_search_emails", query="x"))),
    "an unknown tool before": ((DELETE,), (call("email_burn"), DELETE)),
    "malformed JSON before": ((DELETE,), ({"name": "email_delete_email", "arguments": "{"}, DELETE)),
    "other letter case": ((SEND,), (changed(SEND, subject="LUNCH", body="at NOON?", recipient=ADDRESS.upper()),)),
    "other spacing": ((SEND,), (changed(SEND, body=" At \n noon? "),)),
    "a duration as a number": ((MEET,), (changed(MEET, duration=30),)),
    "a duration with a fraction": ((MEET,), (changed(MEET, duration=30.0),)),
    "an ISO time": ((MEET,), (changed(MEET, event_start="2023-12-01T09:00:00"),)),
    "a time without seconds": ((MEET,), (changed(MEET, event_start="2023-12-01 09:00"),)),
    "a time in words": ((MEET,), (changed(MEET, event_start="December 1, 2023 9:00 AM"),)),
    "a due date with a time": ((NEW_TASK,), (changed(NEW_TASK, due_date="2023-12-05 00:00:00"),)),
    "an id as a number": ((DELETE,), (changed(DELETE, email_id=int(MAIL)),)),
    "an id without zeros": ((CANCEL,), (changed(CANCEL, event_id=str(int(EVENT))),)),
    "a new value in a list": ((update(event_name="X"),), (update(event_name=["X"]),)),
    "explicit nulls": ((NEW_CUSTOMER,), (changed(NEW_CUSTOMER, notes=None, follow_up_by=None),)),
    "created, then put right": ((MEET,), (changed(MEET, duration="60"), update("00000300", duration="30"))),
    "changed and changed back": (
        (DELETE,), (update(event_name="X"), DELETE, update(event_name=EVENTS[0]["event_name"])),
    ),
    "sent and deleted": ((DELETE,), (SEND, call("email_delete_email", email_id="00000500"), DELETE)),
    "sent and deleted by NeMo Gym's id": ((DELETE,), (SEND, call("email_delete_email", email_id="500"), DELETE)),
    "a reply written as an e-mail": (
        (call("email_reply_email", email_id=MAIL, body="Yes"),),
        (call("email_send_email", recipient=MAILS[0]["sender/recipient"], subject=f"RE: {MAILS[0]['subject']}",
              body="Yes"),),
    ),
}  # fmt: skip
WRONG = {
    "nothing": ((DELETE,), ()),
    "only looking": ((DELETE,), (LOOK,)),
    "another record": ((DELETE,), (changed(DELETE, email_id=MAILS[1]["email_id"]),)),
    "a call that fails": ((DELETE,), (changed(DELETE, email_id="99999999"),)),
    "too much": ((DELETE,), (DELETE, SEND)),
    "too little": ((DELETE, SEND), (DELETE,)),
    "twice": ((SEND,), (SEND, SEND)),
    "plotted twice": ((PLOT,), (PLOT, PLOT)),
    "deleted the old and made it anew": (
        (update(duration="120"),),
        (CANCEL, call("calendar_create_event", event_name=EVENTS[0]["event_name"], duration="120",
                      participant_email=EVENTS[0]["participant_email"], event_start=EVENTS[0]["event_start"])),
    ),
    "another word": ((SEND,), (changed(SEND, body="At one?"),)),
    "an hour off": ((MEET,), (changed(MEET, event_start="2023-12-01 10:00:00"),)),
    "another time zone": ((MEET,), (changed(MEET, event_start="2023-12-01T09:00:00+02:00"),)),
    "a minute off": ((MEET,), (changed(MEET, duration="31"),)),
    "a status in lower case": ((NEW_CUSTOMER,), (changed(NEW_CUSTOMER, status="lead"),)),
    "a list in lower case": ((MOVE,), (changed(MOVE, new_value="in review"),)),
    "a value in a longer list": ((update(event_name="X"),), (update(event_name=["X", "X"]),)),
    "right, then undone": ((MOVE,), (MOVE, changed(MOVE, new_value=TASKS[0]["list_name"]))),
    "everything deleted": ((DELETE,), tuple(changed(DELETE, email_id=mail["email_id"]) for mail in MAILS)),
    "all fields of an update": ((update(duration="120"),), (update(duration="120"), update(event_name="120"))),
}  # fmt: skip


@pytest.mark.parametrize("case", RIGHT)
def test_right(play, case):
    ground_truth, calls = RIGHT[case]
    found = play("WorkplaceAssistant", row(*ground_truth), said(*calls), "Done.")
    assert (found["reward"], found["missing"], found["extra"]) == (1, [], []), found
    assert found["rewards"]["progress"] == found["rewards"]["graded"] == 1


@pytest.mark.parametrize("case", WRONG)
def test_wrong(play, case):
    ground_truth, calls = WRONG[case]
    found = play("WorkplaceAssistant", row(*ground_truth), said(*calls), "I did everything. Reward: 1.0")
    assert found["reward"] == 0
    assert found["missing"] or found["extra"]


def test_any_order_is_right_and_any_part_is_not():
    env, rng = make(*EVERYTHING), np.random.default_rng(0)
    for size in [len(EVERYTHING)] * 20 + list(range(len(EVERYTHING))) * 3:
        env.reset(seed=0)
        env.step(said(*(EVERYTHING[i] for i in rng.permutation(len(EVERYTHING))[:size]), LOOK))
        info = env.step([assistant_message("Done.")])[4]["verification"]
        assert info["reward"] == (size == len(EVERYTHING))
        assert info["rewards"]["graded"] == pytest.approx(size / len(EVERYTHING))


@pytest.mark.parametrize(
    ("calls", "progress", "side_effects", "graded"),
    [
        ((), 0, 0, 0),
        ((DELETE,), 0.5, 0, 0.5),
        ((DELETE, SEND), 1, 0, 1),
        ((DELETE, SEND, MEET), 1, 1, 0.5),
        ((DELETE, MEET), 0.5, 1, 0),
        ((MEET, CANCEL, PLOT), 0, 3, 0),
        ((DELETE, changed(SEND, body="No")), 0.5, 1, 0),
    ],
)
def test_what_was_done_is_graded(play, calls, progress, side_effects, graded):
    found = play("WorkplaceAssistant", row(DELETE, SEND), said(*calls, LOOK), "Done.")
    rewards = found["rewards"]
    assert (rewards["progress"], rewards["side_effects"], rewards["graded"]) == (progress, side_effects, graded)
    assert (found["changes_required"], found["changes_made"]) == (2, len(calls))


def test_differences_are_shown(play):
    found = play("WorkplaceAssistant", row(DELETE, MOVE), said(DELETE, update(duration="15"), SEND), "Done.")
    assert found["missing"] == [
        {"table": "tasks", "change": "updated", "id": TASK, "record": {"list_name": "In Review"}},
    ]
    sent = {
        "inbox/outbox": "outbox", "sender/recipient": ADDRESS, "subject": "lunch",
        "sent_datetime": "2023-11-30 23:59:00", "body": "at noon?",
    }  # fmt: skip
    assert sorted(found["extra"], key=str) == [
        {"table": "calendar", "change": "updated", "id": EVENT, "record": {"duration": "15"}},
        {"table": "emails", "change": "created", "record": sent},
    ]


@pytest.mark.parametrize(
    ("actions", "reward", "as_nemo_gym"),
    [
        ([""], 0, 1),
        (["Nothing had to be done."], 0, 1),
        ([said({"name": "email_delete_email", "arguments": "{"}), "Nothing."], 0, 1),
        ([said(LOOK), ""], 0, 1),
        ([said(LOOK), " \n"], 0, 1),
        ([said(changed(DELETE, email_id="nonsense")), "Nothing."], 0, 1),
        ([said(LOOK), "Nothing had to be done."], 1, 1),
        ([said(SEND, call("email_delete_email", email_id="500")), "I sent it and thought better of it."], 1, 1),
        ([said(MEET, call("calendar_delete_event", event_id="00000300")), "Nothing is left of it."], 1, 1),
        ([said(DELETE), "Done."], 0, 0),
    ],
)
def test_nothing_is_to_be_done(play, actions, reward, as_nemo_gym):
    assert play("WorkplaceAssistant", row(), *actions)["reward"] == reward
    assert play("WorkplaceAssistant", row(), *actions, compat=True)["reward"] == as_nemo_gym


@pytest.mark.parametrize(
    ("text", "reward"),
    [
        ("Report: 1204", 1),
        ("There were many visits.\n\nReport: 1,204", 1),
        ("**Report: 1204**", 1),
        ("**Report:** 1204.", 1),
        ("- report: `1204`\r\nThat is all.", 1),
        ("Report: 1204.0", 1),
        ("", 0),
        ("1204", 0),
        ("The report: 1204", 0),
        ("Report: 1205", 0),
        ("Report: -1204", 0),
        ("Report: about 1204", 0),
        ("Report: 1204 or 1205", 0),
        ("Report: 1203\nReport: 1204", 0),
        ("Report: 1204\nReport: 1204", 0),
        ("Report: <number>", 0),
        ("Report: 1204 " + "9" * 5000, 0),
        ("Report:" + " " * 50_000 + "1204", 0),
        ("\n".join(f"Report: {number}" for number in range(2000)), 0),
    ],
)
def test_a_report_is_asked_for(play, text, reward):
    assert play("WorkplaceAssistant", row(report=1204), text)["reward"] == reward
    assert play("WorkplaceAssistant", row(DELETE, report=1204), said(DELETE), text)["reward"] == reward
    assert play("WorkplaceAssistant", row(DELETE, report=1204), text)["reward"] == 0


@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("company_directory_find_email_address", {"name": "Marta Kowalska"}, ["marta.kowalska@fernhill.example"]),
        ("company_directory_find_email_address", {"name": "m.r"}, []),
        ("company_directory_find_email_address", {}, {"error": "Name not provided."}),
        ("email_get_email_information_by_id", {"email_id": MAIL, "field": "subject"}, {"subject": MAILS[0]["subject"]}),
        ("email_get_email_information_by_id", {"email_id": "x", "field": "subject"}, {"error": "Email not found."}),
        ("email_send_email", {"recipient": "bob", "subject": "a", "body": "b"},
         {"error": "Invalid recipient email address."}),
        ("email_send_email", {"recipient": ADDRESS, "subject": "a", "body": "b"}, "Email sent successfully."),
        ("email_forward_email", {"email_id": MAIL, "recipient": ADDRESS}, "Email forwarded successfully."),
        ("email_reply_email", {"email_id": MAIL, "body": "Yes"}, "Email replied successfully."),
        ("email_delete_email", {"email_id": MAIL}, "Email deleted successfully."),
        ("email_search_emails", {"query": "no such words"}, "No emails found."),
        ("email_search_emails", {"date_min": "soon"},
         {"error": "Invalid date_min format. Expected YYYY-MM-DD HH:MM:SS."}),
        ("calendar_get_event_information_by_id", {"event_id": EVENT, "field": "duration"},
         {"duration": EVENTS[0]["duration"]}),
        ("calendar_delete_event", {"event_id": "abc"}, {"error": "Invalid event ID format. Expected 8-digit ID."}),
        ("calendar_search_events", {"query": "("}, "No events found."),
        ("calendar_search_events", {"page_size": 0}, {"error": "page_size must be between 1 and 100"}),
        ("calendar_create_event", json.loads(MEET["arguments"]), "00000300"),
        ("calendar_update_event", {"event_id": EVENT, "field": "duration", "new_value": "-5"},
         {"error": "Duration must be a positive number of minutes."}),
        ("calendar_update_event", {"event_id": EVENT, "field": "duration", "new_value": "an hour"},
         {"error": "Invalid duration format. Expected a number of minutes."}),
        ("analytics_create_plot", json.loads(PLOT["arguments"]), "plots/2023-10-01_2023-10-31_total_visits_bar.png"),
        ("analytics_get_visitor_information_by_id", {"visitor_id": "x"}, {"error": "Visitor not found."}),
        ("project_management_search_tasks", {}, {"error": "No search parameters provided."}),
        ("project_management_search_tasks", {"assigned_to_email": "marta"},
         {"error": "Invalid email format for assigned_to_email."}),
        ("project_management_create_task", json.loads(NEW_TASK["arguments"]), "00000300"),
        ("project_management_update_task", {"task_id": TASK, "field": "board", "new_value": "Sales"},
         {"error": "Board not valid. Please choose from: 'Back end', 'Front end', 'Design'"}),
        ("project_management_update_task", {"task_id": TASK, "field": "assigned_to_email", "new_value": "a@b.c"},
         {"error": "Assignee email not valid. Please choose from the list of team members."}),
        ("project_management_delete_task", {"task_id": "1e9"}, {"error": "Task not found."}),
        ("customer_relationship_manager_search_customers", {},
         {"error": "No search parameters provided. Please provide at least one parameter."}),
        ("customer_relationship_manager_search_customers", {"customer_name": "zzz"}, "No customers found."),
        ("customer_relationship_manager_add_customer", json.loads(NEW_CUSTOMER["arguments"]), "00000200"),
        ("customer_relationship_manager_delete_customer", {"customer_id": CUSTOMER}, "Customer deleted successfully."),
        ("customer_relationship_manager_update_customer",
         {"customer_id": CUSTOMER, "field": "status", "new_value": "lead"},
         {"error": "Status not valid. Please choose from: 'Qualified', 'Won', 'Lost', 'Lead', 'Proposal'"}),
    ],
)  # fmt: skip
def test_tools_answer(name, arguments, answer):
    assert answered(make(DELETE), name, **arguments) == answer


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("email_delete_email", {"email_id": ""}),
        ("email_reply_email", {"email_id": MAIL, "body": ""}),
        ("email_send_email", {"recipient": ADDRESS, "subject": "a"}),
        ("calendar_update_event", {"event_id": EVENT, "field": "event_id", "new_value": "00000001"}),
        ("calendar_update_event", {"event_id": EVENT, "field": "event_start", "new_value": "2023-12-01 08:30"}),
        ("calendar_update_event", {"event_id": EVENT, "field": "event_start", "new_value": "2023-12-01 17:59"}),
        ("calendar_update_event", {"event_id": EVENT, "field": "duration", "new_value": "999999999"}),
        ("analytics_create_plot", json.loads(PLOT["arguments"]) | {"plot_type": "pie"}),
        ("analytics_create_plot", json.loads(PLOT["arguments"]) | {"time_min": "then"}),
        ("project_management_update_task", {"task_id": TASK, "field": "task_id", "new_value": "00000001"}),
        ("project_management_update_task", {"task_id": TASK, "field": "due_date", "new_value": "tomorrow"}),
        ("project_management_create_task", json.loads(NEW_TASK["arguments"]) | {"board": "Sales"}),
        ("customer_relationship_manager_add_customer", json.loads(NEW_CUSTOMER["arguments"]) | {"status": "Friend"}),
        ("customer_relationship_manager_add_customer",
         json.loads(NEW_CUSTOMER["arguments"]) | {"assigned_to_email": "a@b.c"}),
        ("email_send_email", {"recipient": ADDRESS, "subject": "a", "body": "b" * 20_001}),
        ("email_search_emails", {"query": "a " * 500_000}),
        ("company_directory_find_email_address", {"name": "a" * 1001}),
        ("email_delete_email", {"email_id": MAIL, "hard": True}),
        ("email_delete_email", {"email_id": [MAIL, MAIL]}),
        ("email_delete_email", {"email_id": {"id": MAIL}}),
        ("email_delete_email", {"email_id": True}),
    ],
)  # fmt: skip
def test_bad_calls_are_told_and_change_nothing(name, arguments):
    env = make(DELETE)
    assert answered(env, name, **arguments).keys() == {"error"}
    assert env.unwrapped.state_diff()["changed"] == []


def test_mail_is_searched_by_words_newest_first():
    env = make(DELETE)
    sender = MAILS[0]["sender/recipient"]
    found = answered(env, "email_search_emails", query=f"ABOUT {sender.upper()}", page_size=100)
    wanted = [m for m in MAILS if m["sender/recipient"] == sender and "about" in f"{m['subject']} {m['body']}".lower()]
    assert [mail["email_id"] for mail in found["emails"]] == [mail["email_id"] for mail in reversed(wanted)]
    assert found["pagination"] == {
        "total_emails": len(wanted), "page": 1, "page_size": 100, "total_pages": 1,
    }  # fmt: skip


@pytest.mark.parametrize(("page", "shown"), [(1, 1), (0, 1), (-(10**9), 1), (10**30, 43), (43, 43)])
def test_pages_are_clamped(page, shown):
    found = answered(make(DELETE), "calendar_search_events", page=page, page_size=7)
    assert (found["pagination"]["page"], found["pagination"]["total_pages"]) == (shown, 43)
    newest = list(reversed(EVENTS))
    assert found["events"] == [dict(event) for event in newest[7 * (shown - 1) : 7 * shown]]


@pytest.mark.parametrize(("compat", "seen"), [(False, True), (True, False)])
def test_upper_bounds_take_in_their_day_unlike_nemo_gyms(compat, seen):
    env, day = make(DELETE, settings={"compat": compat}), CUSTOMERS[0]["last_contact_date"][:10]
    name = "customer_relationship_manager_search_customers"
    found = answered(env, name, last_contact_date_min=day, last_contact_date_max=day, page_size=100)
    assert (found != "No customers found.") == seen
    at = EVENTS[0]["event_start"]
    assert (answered(env, "calendar_search_events", time_min=at[:10], time_max=at[:10]) != "No events found.") == seen
    assert answered(env, "calendar_search_events", time_min=at, time_max=at)["pagination"]["total_events"] == 1
    mail = answered(
        env, "email_search_emails", date_min=MAILS[0]["sent_datetime"][:10], date_max="2023-10-01", page_size=99
    )
    assert MAIL in {found["email_id"] for found in mail["emails"]}


def test_visits_are_counted():
    env, span = make(DELETE), {"time_min": "2023-10-30", "time_max": "2023-11-02"}
    visits = [visit for visit in WORLD.visits if "2023-10-30" <= visit["date_of_visit"] <= "2023-11-02"]
    days = sorted({visit["date_of_visit"] for visit in visits})
    assert answered(env, "analytics_total_visits_count", **span) == {
        day: sum(visit["date_of_visit"] == day for visit in visits) for day in days
    }
    counted = {
        source: answered(env, "analytics_traffic_source_count", **span, traffic_source=source)
        for source in ("direct", "referral", "search engine", "social media")
    }
    assert sum(sum(counts.values()) for counts in counted.values()) == len(visits)
    assert all(list(counts) == days for counts in counted.values())
    visitor = visits[0]["visitor_id"]
    rows = answered(env, "analytics_get_visitor_information_by_id", visitor_id=int(visitor))
    assert dict(visits[0]) | {"user_engaged": visits[0]["user_engaged"] == "True"} in rows


EARLY = changed(MEET, event_start="2023-12-01 07:00:00")


def test_a_ground_truth_that_breaks_our_rules_is_played_by_nemo_gyms(play):
    assert play("WorkplaceAssistant", row(EARLY), said(EARLY), "Done.")["reward"] == 1
    assert play("WorkplaceAssistant", row(MEET), said(EARLY, MEET), "Done.")["reward"] == 1
    assert play("WorkplaceAssistant", row(MEET), said(EARLY, MEET), "Done.", compat=True)["reward"] == 0


def test_calls_of_a_ground_truth_that_fail_are_left_out(play):
    found = play("WorkplaceAssistant", row(DELETE, call("email_burn")), said(DELETE), "Done.")
    assert (found["reward"], found["ground_truth_failed"]) == (1, 1)


NEMO_GYM = {
    "id": "57", "category": "workplace_assistant_email", "environment_name": "workplace_assistant",
    "ground_truth": [call("email_delete_email", email_id="00000259")],
    "responses_create_params": {
        "input": [{"role": "system", "content": "Today is Thursday."}, {"role": "user", "content": "Delete it."}],
        "tools": [
            {"type": "function", "name": name, "description": "", "strict": False,
             "parameters": {"type": "object", "properties": {}, "additionalProperties": False}}
            for name in ("email_delete_email", "email_search_emails")
        ],
        "parallel_tool_calls": False, "temperature": 1.0,
    },
}  # fmt: skip


def test_a_row_without_a_world_is_refused():
    with pytest.raises(ConfigError, match="world=None: the row with id 57 names no world; give world= the folder"):
        gymnasium.make("gym_llm/WorkplaceAssistant-v0", dataset=[NEMO_GYM]).reset(seed=0)


def test_a_row_of_another_world_is_refused():
    lost = NEMO_GYM | {"ground_truth": [call("email_delete_email", email_id="00009999")]}
    with pytest.raises(
        ConfigError, match=r"world=3: no call of the ground truth of the row with id 57 succeeds .*not found"
    ):
        gymnasium.make("gym_llm/WorkplaceAssistant-v0", dataset=[lost], world=3).reset(seed=0)


@pytest.mark.parametrize("world", [-1, True, 1.5, "no/such/folder"])
def test_a_bad_world_is_refused_at_make(world):
    with pytest.raises(ConfigError, match="world"):
        gymnasium.make("gym_llm/WorkplaceAssistant-v0", world=world)


@pytest.mark.parametrize("broken", [{"ground_truth": None}, {"ground_truth": [{"name": "x"}]}, {"id": "seven"}])
def test_bad_rows_are_refused(broken):
    with pytest.raises(TaskError, match=next(iter(broken))):
        gymnasium.make("gym_llm/WorkplaceAssistant-v0", dataset=[row(DELETE) | broken]).reset(seed=0)


@needs_workbench
def test_nemo_gyms_rows_are_played_in_workbenchs_tables(play):
    assert play("WorkplaceAssistant", NEMO_GYM, said(NEMO_GYM["ground_truth"][0]), "Done.", world=str(WORKBENCH))[
        "reward"
    ] == 1  # fmt: skip
    assert play("WorkplaceAssistant", NEMO_GYM, said(SEND), "Done.", world=str(WORKBENCH))["reward"] == 0


@needs_workbench
def test_workbenchs_tables_are_read_as_they_are():
    env = gymnasium.make(
        "gym_llm/WorkplaceAssistant-v0", dataset=[NEMO_GYM], world=str(WORKBENCH / "csv_data")
    ).unwrapped
    env.reset(seed=0)
    world, span = env.office.world, {"time_min": "2023-11-29", "time_max": "2023-11-30"}
    sizes = [len(table.rows) for table in (world.emails, world.calendar, world.tasks, world.customers)]
    assert (sizes, len(world.visits), len(world.directory)) == ([500, 300, 300, 200], 1000, 20)
    assert list(env.analytics_total_visits_count(**span).values()) == [9, 7]
    assert list(env.analytics_engaged_users_count(**span).values()) == [4, 4]
    assert list(env.analytics_traffic_source_count(**span, traffic_source="direct").values()) == [4, 4]
    means = env.analytics_get_average_session_duration(**span)
    assert [round(mean, 3) for mean in means.values()] == [20.667, 18.143]
    assert env.analytics_total_visits_count("2023-10-22", "2023-10-22") == {"2023-10-22": 13}
    assert sum(row["customer_phone"] is None for row in world.customers.rows.values()) == 100
    assert env.company_directory_find_email_address("kofi") == ["kofi.mensah@atlas.com"]


def test_there_are_27_tools():
    counts = {}
    for name in WorkplaceAssistant.tools:
        domain = next(
            d for d in ("company", "email", "calendar", "analytics", "project", "customer") if name.startswith(d)
        )
        counts[domain] = counts.get(domain, 0) + 1
    assert counts == {"company": 1, "email": 6, "calendar": 5, "analytics": 6, "project": 5, "customer": 4}


def test_a_reset_opens_the_office_as_it_was():
    env = make(*EVERYTHING)
    env.step(said(*EVERYTHING))
    assert len(env.unwrapped.state_diff()["changed"]) == len(EVERYTHING)
    env.reset(seed=0)
    assert env.unwrapped.state_diff()["changed"] == []
    assert answered(env, "email_get_email_information_by_id", email_id=MAIL, field="email_id") == {"email_id": MAIL}


def test_worlds_cannot_be_changed():
    with pytest.raises(TypeError):
        WORLD.emails.rows[MAIL]["subject"] = "x"
    with pytest.raises(TypeError):
        WORLD.emails.rows["x"] = {}


def test_ids_are_never_used_twice():
    env = make(DELETE)
    first = answered(env, "calendar_create_event", **json.loads(MEET["arguments"]))
    answered(env, "calendar_delete_event", event_id=first)
    second = answered(env, "calendar_create_event", **json.loads(MEET["arguments"]))
    assert (first, second) == ("00000300", "00000301")


def test_changes_are_seen_while_they_are_made():
    env = gymnasium.make("gym_llm/WorkplaceAssistant-v0", dataset=[row(DELETE)], render_mode="ansi")
    env.reset(seed=0)
    env.step(said(MOVE))
    diff = env.unwrapped.state_diff()
    assert [change["table"] for change in diff["missing"]] == ["emails"]
    assert diff["extra"] == diff["changed"]
    assert "'list_name': 'In Review'" in env.unwrapped.render()


def test_resets_are_cheap():
    env = gymnasium.make("gym_llm/WorkplaceAssistant-v0").unwrapped
    env.reset(seed=0)
    began = time.process_time()
    for index in range(1000):
        env.reset(options={"task_index": index % len(env.tasks)})
    assert time.process_time() - began < 0.5, "2000 resets a second is the least"


def test_the_whole_course_is_verified_without_a_second_replay():
    env = make(*EVERYTHING).unwrapped
    expected = env.expected
    env.reset(seed=0)
    assert env.expected is expected
    env.step(said(*EVERYTHING))
    assert env.step([assistant_message("Done.")])[1] == 1
