"""The calendar: five tools that search, read, create, change and delete meetings."""

from __future__ import annotations

from typing import Any, Literal

from gym_llm import ToolError, tool
from gym_llm.envs.workplace_assistant.arguments import Id, Query, Text, existing, minutes, page_of
from gym_llm.envs.workplace_assistant.moments import later, needed, window
from gym_llm.envs.workplace_assistant.tables import Office

EventField = Literal["event_id", "event_name", "participant_email", "event_start", "duration"]
EventChange = Literal["event_name", "participant_email", "event_start", "duration"]


class CalendarTools:
    """The meetings."""

    office: Office

    @tool
    def calendar_get_event_information_by_id(self, event_id: Id, field: EventField) -> dict[str, str | None]:
        """Read one field of a meeting.

        Args:
            event_id: 8-digit id of the meeting.
            field: The field to read.
        """
        return {field: existing(self.office.calendar.get(_id(event_id)), "Event")[field]}

    @tool
    def calendar_search_events(
        self, query: Query = "", time_min: Query = "", time_max: Query = "", page: int = 1, page_size: int = 5
    ) -> dict[str, Any] | str:
        """Search meetings whose name or participant contains a text, latest first.

        Args:
            query: The text, in any letter case.
            time_min: Earliest start, YYYY-MM-DD HH:MM:SS.
            time_max: Latest start, YYYY-MM-DD HH:MM:SS.
            page: Page of the results, from 1.
            page_size: Meetings on a page, 1 to 100.
        """
        inside = window(time_min, time_max, ("time_min", "time_max"), whole_days=not self.office.lax)
        found = [
            row for row in self.office.calendar.rows()
            if inside(row["event_start"] or "")
            and query.lower() in f"{row['event_name']}\n{row['participant_email']}".lower()
        ]  # fmt: skip
        found.sort(key=lambda row: row["event_start"] or "", reverse=True)
        return page_of(found, "events", page, page_size)

    @tool
    def calendar_create_event(
        self, event_name: Text, participant_email: Text, event_start: Text, duration: Text
    ) -> str:
        """Create a meeting and return its id. Meetings lie between 9:00 and 18:00.

        Args:
            event_name: Name of the meeting.
            participant_email: Address of the participant.
            event_start: Start, YYYY-MM-DD HH:MM:SS.
            duration: Duration in minutes.
        """
        start, lasting = needed(event_start, "event_start"), minutes(duration)
        self._check_hours(start, lasting)
        return self.office.calendar.add(
            event_name=event_name, participant_email=participant_email.lower(), event_start=start, duration=lasting
        )

    @tool
    def calendar_delete_event(self, event_id: Id) -> str:
        """Delete a meeting.

        Args:
            event_id: 8-digit id of the meeting.
        """
        existing(self.office.calendar.delete(_id(event_id)), "Event")
        return "Event deleted successfully."

    @tool
    def calendar_update_event(self, event_id: Id, field: EventChange, new_value: Text) -> str:
        """Change one field of a meeting. Meetings lie between 9:00 and 18:00.

        Args:
            event_id: 8-digit id of the meeting.
            field: The field to change.
            new_value: Its new value: a start as YYYY-MM-DD HH:MM:SS, a duration in minutes.
        """
        row = existing(self.office.calendar.get(_id(event_id)), "Event")
        if field == "event_start":
            new_value = needed(new_value, "event_start")
            self._check_hours(new_value, row["duration"] or "0")
        elif field == "duration":
            new_value = minutes(new_value)
            self._check_hours(row["event_start"] or "", new_value)
        elif field == "participant_email":
            new_value = new_value.lower()
        self.office.calendar.update(event_id, **{field: new_value})
        return "Event updated successfully."

    def _check_hours(self, start: str, lasting: str) -> None:
        if self.office.lax:
            return
        end = later(start, int(lasting))
        if start[11:] < "09:00:00" or end > f"{start[:10]} 18:00:00":
            raise ToolError(f"Meetings lie between 9:00 and 18:00; this one would last from {start} to {end}.")


def _id(event_id: str) -> str:
    if not (len(event_id) == 8 and event_id.isascii() and event_id.isdigit()):
        raise ToolError("Invalid event ID format. Expected 8-digit ID.")
    return event_id
