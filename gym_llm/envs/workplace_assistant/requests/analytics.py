"""Requests about web analytics: plots, questions, and what to do if a number is high."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import product
from typing import get_args

from gym_llm.envs.workplace_assistant.arguments import PlotType, Value
from gym_llm.envs.workplace_assistant.requests.calendar import CALENDAR
from gym_llm.envs.workplace_assistant.requests.customers import CUSTOMERS
from gym_llm.envs.workplace_assistant.requests.email import EMAIL
from gym_llm.envs.workplace_assistant.requests.grammar import (
    REPORT,
    Call,
    Domain,
    Draft,
    Rng,
    Template,
    mail,
    person,
    pick,
)  # fmt: skip
from gym_llm.envs.workplace_assistant.requests.projects import PROJECTS
from gym_llm.envs.workplace_assistant.tables import Row, World

Period = tuple[str, str, str]
_SPOKEN = {
    "total_visits": "all visits", "session_duration_seconds": "the session duration", "user_engaged": "engaged users",
    "visits_direct": "direct visits", "visits_referral": "visits by referral",
    "visits_search_engine": "visits from search engines", "visits_social_media": "visits from social media",
}  # fmt: skip
_COUNTED: dict[str, Callable[[Row], bool]] = {
    "visits": lambda row: True,
    "visits with an engaged user": lambda row: row["user_engaged"] == "True",
    "direct visits": lambda row: row["traffic_source"] == "direct",
    "visits by referral": lambda row: row["traffic_source"] == "referral",
    "visits from search engines": lambda row: row["traffic_source"] == "search engine",
    "visits from social media": lambda row: row["traffic_source"] == "social media",
}
_MONTHS = {"September": ("2023-09-01", "2023-09-30"), "October": ("2023-10-01", "2023-10-31"),
           "November": ("2023-11-01", "2023-11-30")}  # fmt: skip


def _dates(rng: Rng) -> Period:
    first = date(2023, 9, 1) + timedelta(days=int(rng.integers(80)))
    last = first + timedelta(days=int(rng.integers(2, 11)))
    return f"from {first} to {last}", str(first), str(last)


def _month(rng: Rng) -> Period:
    month = pick(rng, list(_MONTHS))
    return f"in {month} 2023", *_MONTHS[month]


def _last_days(rng: Rng) -> Period:
    count = pick(rng, (7, 10, 14, 21))
    return (
        f"in the last {count} days (today is the last of them)",
        str(date(2023, 12, 1) - timedelta(count)),
        "2023-11-30",
    )


_PERIODS: dict[str, Callable[[Rng], Period]] = {"dates": _dates, "month": _month, "last-days": _last_days}


def _plot(period: Period, value: str, kind: str) -> Call:
    _, first, last = period
    return "analytics_create_plot", {
        "time_min": first, "time_max": last, "value_to_plot": value, "plot_type": kind,
    }  # fmt: skip


def _plotting(value: str, period: Callable[[Rng], Period]) -> Callable[[World, Rng], Draft | None]:
    def make(world: World, rng: Rng) -> Draft:
        when, kind = period(rng), pick(rng, get_args(PlotType))
        asked = pick(rng, ("Plot {what} {when} ({kind}).", "Make a {kind} plot of {what} {when}.",
                           "I would like to see {what} {when} as a {kind} plot."))  # fmt: skip
        text = asked.format(what=_SPOKEN[value], when=when[0], kind=kind)
        return Draft(text, [_plot(when, value, kind)])

    return make


def _plotting_for(period: Callable[[Rng], Period]) -> Callable[[World, Rng], Draft | None]:
    def make(world: World, rng: Rng) -> Draft:
        when, kind, to = period(rng), pick(rng, get_args(PlotType)), pick(rng, world.directory)
        one, two = (str(value) for value in rng.choice(get_args(Value), size=2, replace=False))
        text = (
            f"Make two {kind} plots {when[0]}, one of {_SPOKEN[one]} and one of {_SPOKEN[two]}. Then write to "
            f"{person(to)}: subject 'New plots', text 'The plots are ready.'"
        )
        letter = mail(to, "New plots", "The plots are ready.")
        return Draft(text, [_plot(when, one, kind), _plot(when, two, kind), letter])

    return make


def _asking(what: str, period: Callable[[Rng], Period]) -> Callable[[World, Rng], Draft | None]:
    def make(world: World, rng: Rng) -> Draft:
        spoken, first, last = period(rng)
        found = sum(_COUNTED[what](row) for row in world.visits if first <= str(row["date_of_visit"]) <= last)
        asked = pick(rng, ("How many {what} did our site have {when}?", "I need the number of {what} {when}."))
        return Draft(asked.format(what=what, when=spoken) + REPORT.format(what="that number"), [], found)

    return make


def _deciding(what: str, domain: Domain, selection: str, deed: str) -> Callable[[World, Rng], Draft | None]:
    """Return what makes a request that is to be fulfilled only when a number is high enough."""
    chosen = next(found for found in domain.selections if found.name == selection)
    make_then = domain.maker(chosen, next(found for found in domain.deeds if found.name == deed))

    def make(world: World, rng: Rng) -> Draft | None:
        then = make_then(world, rng)
        when = pick(rng, list(world.days))
        found = sum(map(_COUNTED[what], world.days[when]))
        limit = found + pick(rng, (-3, -2, -1, 0, 1, 2))
        if then is None or limit < 1:
            return None
        consequence = then.text[0].lower() + then.text[1:].rstrip(".")
        asked = pick(rng, (
            "If there were more than {limit} {what} on {when}, {then}. Otherwise change nothing.",
            "Look at {when}. Only if our site had more than {limit} {what} on that day, {then}.",
        ))  # fmt: skip
        text = asked.format(limit=limit, what=what, when=when, then=consequence)
        report = REPORT.format(what=f"the number of {what} on that day")
        report = report.replace(" End", " In any case, end")
        return Draft(text + report, then.calls if found > limit else [], found)

    return make


_CONSEQUENCES = (
    (EMAIL, "last-from", "forward"), (EMAIL, "last-from", "reply"), (CALENDAR, "next-with", "resize"),
    (CALENDAR, "all-of-day", "delete"), (PROJECTS, "overdue", "move"), (PROJECTS, "in-list", "reassign"),
    (CUSTOMERS, "late", "follow-up"), (CUSTOMERS, "by-name", "status"),
)  # fmt: skip


def analytics_templates() -> Iterator[Template]:
    """Yield the templates of this domain, which reach into all the others."""
    for value, (name, period) in product(get_args(Value), _PERIODS.items()):
        yield Template(f"analytics/plot-{value}/{name}", _plotting(value, period))
    for name, period in _PERIODS.items():
        yield Template(f"analytics/two-plots-and-mail/{name}", _plotting_for(period))
    for what, (name, period) in product(_COUNTED, _PERIODS.items()):
        yield Template(f"analytics/{what.replace(' ', '-')}/{name}", _asking(what, period))
    for what, (domain, selection, deed) in product(_COUNTED, _CONSEQUENCES):
        name = f"analytics/if-{what.replace(' ', '-')}/{domain.name}-{selection}-{deed}"
        yield Template(name, _deciding(what, domain, selection, deed))
