"""Web analytics: five tools that count visits, and one that records a plot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gym_llm import ToolError, tool
from gym_llm.envs.workplace_assistant.arguments import PlotType, Query, Source, Text, Value
from gym_llm.envs.workplace_assistant.moments import day, window
from gym_llm.envs.workplace_assistant.tables import Office, Row


class AnalyticsTools:
    """Visits to the web site."""

    office: Office

    @tool
    def analytics_get_visitor_information_by_id(self, visitor_id: Text) -> list[dict[str, Any]]:
        """Return every visit of a visitor.

        Args:
            visitor_id: 4-digit id of the visitor.
        """
        rows = self.office.world.visitors.get(visitor_id.strip().zfill(4))
        if not rows:
            raise ToolError("Visitor not found.")
        return [{**row, "user_engaged": _engaged(row)} for row in rows]

    @tool
    def analytics_create_plot(self, time_min: Text, time_max: Text, value_to_plot: Value, plot_type: PlotType) -> str:
        """Plot a number over days, and return the file's path.

        Args:
            time_min: First day, YYYY-MM-DD.
            time_max: Last day, YYYY-MM-DD.
            value_to_plot: What to plot.
            plot_type: How to plot it.
        """
        for name, given in (("time_min", time_min), ("time_max", time_max)):
            if day(given) is None and not self.office.lax:
                raise ToolError(f"Invalid {name} format. Expected YYYY-MM-DD.")
        first, last = day(time_min) or time_min, day(time_max) or time_max
        path = f"plots/{first}_{last}_{value_to_plot}_{plot_type}.png"
        self.office.plots.append(path)
        return path

    @tool
    def analytics_total_visits_count(self, time_min: Query = "", time_max: Query = "") -> dict[str, int]:
        """Count the visits of each day.

        Args:
            time_min: First day, YYYY-MM-DD.
            time_max: Last day, YYYY-MM-DD.
        """
        return {date: len(rows) for date, rows in self._days(time_min, time_max)}

    @tool
    def analytics_engaged_users_count(self, time_min: Query = "", time_max: Query = "") -> dict[str, int]:
        """Count the visits of each day in which the user was engaged.

        Args:
            time_min: First day, YYYY-MM-DD.
            time_max: Last day, YYYY-MM-DD.
        """
        return {date: sum(map(_engaged, rows)) for date, rows in self._days(time_min, time_max)}

    @tool
    def analytics_traffic_source_count(
        self, time_min: Query = "", time_max: Query = "", traffic_source: Source | None = None
    ) -> dict[str, int]:
        """Count the visits of each day that came from one source, or from all.

        Args:
            time_min: First day, YYYY-MM-DD.
            time_max: Last day, YYYY-MM-DD.
            traffic_source: The source; all when left out.
        """
        return {
            date: sum(traffic_source in (None, row["traffic_source"]) for row in rows)
            for date, rows in self._days(time_min, time_max)
        }

    @tool
    def analytics_get_average_session_duration(self, time_min: Query = "", time_max: Query = "") -> dict[str, float]:
        """Return the mean duration of each day's visits, in seconds.

        Args:
            time_min: First day, YYYY-MM-DD.
            time_max: Last day, YYYY-MM-DD.
        """
        return {
            date: sum(float(row["session_duration_seconds"] or 0) for row in rows) / len(rows)
            for date, rows in self._days(time_min, time_max)
        }

    def _days(self, time_min: str, time_max: str) -> Iterator[tuple[str, list[Row]]]:
        first, last = day(time_min) or time_min, day(time_max) or time_max
        inside = window(first, last, ("time_min", "time_max"))
        return ((date, rows) for date, rows in self.office.world.days.items() if inside(date + " 12:00:00"))


def _engaged(row: Row) -> bool:
    return row["user_engaged"] == "True"
