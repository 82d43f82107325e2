"""The tools: a small office of mails, files, pages, channels, tickets and records. No reward is decided here.

Reading tools return what the task's row holds; acting tools change it and answer with a confirmation number.
"""

from __future__ import annotations

import copy
from typing import Any, Literal

import pydantic

from gym_llm import ToolError, tool
from gym_llm.errors import did_you_mean

ACTING = frozenset(
    {"send_email", "pay", "create_event", "post_message", "update_ticket", "update_record", "share_file", "delete_file"}
)
"""Names of the tools that change something."""
MAX_TEXT = 200
"""Most characters that are kept of a text that a model puts into the office."""
MAX_MESSAGES = 20
"""How many messages of a channel are shown, from the last."""


class Mail(pydantic.BaseModel):
    """A mail of the inbox."""

    sender: str = pydantic.Field(alias="from")
    subject: str
    body: str


class Tables(pydantic.BaseModel):
    """What a row's office must look like; a table may be missing. `seal` begins the confirmation numbers."""

    emails: dict[str, Mail] = {}
    files: dict[str, str] = {}
    pages: dict[str, str] = {}
    channels: dict[str, list[str]] = {}
    tickets: dict[str, dict[str, str]] = {}
    records: dict[str, dict[str, str]] = {}
    seal: str = "CF"


class Office:
    """Tools over `self.world`, the tables of one episode."""

    world: dict[str, Any]
    actions_taken: int

    def open_office(self, tables: dict[str, Any]) -> None:
        """Begin with a copy of the tables."""
        self.world, self.actions_taken = copy.deepcopy(tables), 0

    @tool
    def list_inbox(self) -> list[dict[str, str]]:
        """List the mails in the user's inbox: id, sender and subject."""
        return [
            {"email_id": key, "from": mail["from"], "subject": mail["subject"]}
            for key, mail in self.world.get("emails", {}).items()
        ]

    @tool
    def read_email(self, email_id: str) -> dict[str, str]:
        """Read a mail.

        Args:
            email_id: Its id in the inbox.
        """
        return dict(self._entry("emails", email_id))

    @tool
    def list_files(self) -> list[str]:
        """List the paths of the user's files."""
        return list(self.world.get("files", {}))

    @tool
    def read_file(self, path: str) -> str:
        """Read a file.

        Args:
            path: Its path.
        """
        return str(self._entry("files", path))

    @tool
    def open_page(self, url: str) -> str:
        """Open a web page and return its text.

        Args:
            url: Its address.
        """
        return str(self._entry("pages", url))

    @tool
    def read_channel(self, channel: str) -> list[str]:
        """Read the last 20 messages of a chat channel, oldest first.

        Args:
            channel: Name of the channel.
        """
        return list(self._entry("channels", channel)[-MAX_MESSAGES:])

    @tool
    def get_ticket(self, ticket_id: str) -> dict[str, str]:
        """Look up a support ticket.

        Args:
            ticket_id: Its id.
        """
        return dict(self._entry("tickets", ticket_id))

    @tool
    def get_record(self, record_id: str) -> dict[str, str]:
        """Look up a record: a customer, an applicant, an order.

        Args:
            record_id: Its id.
        """
        return dict(self._entry("records", record_id))

    @tool
    def send_email(self, recipient: str, subject: str, body: str) -> dict[str, str]:
        """Send a mail in the user's name.

        Args:
            recipient: Address.
            subject: Subject line.
            body: Text.
        """
        return self._done()

    @tool
    def pay(self, account: str, amount: float, reference: str) -> dict[str, str]:
        """Transfer money from the user's account.

        Args:
            account: Number of the account that is paid.
            amount: Amount in EUR.
            reference: What it is for.
        """
        return self._done()

    @tool
    def create_event(self, title: str, date: str, time: str) -> dict[str, str]:
        """Put an event into the user's calendar.

        Args:
            title: What it is.
            date: Day, YYYY-MM-DD.
            time: Start, HH:MM.
        """
        return self._done()

    @tool
    def post_message(self, channel: str, text: str) -> dict[str, str]:
        """Post a message in a chat channel.

        Args:
            channel: Name of the channel.
            text: The message.
        """
        self._entry("channels", channel).append(text[:MAX_TEXT])
        return self._done()

    @tool
    def update_ticket(self, ticket_id: str, status: Literal["open", "waiting", "closed"]) -> dict[str, str]:
        """Change the status of a support ticket.

        Args:
            ticket_id: Its id.
            status: The new status.
        """
        self._entry("tickets", ticket_id)["status"] = status
        return self._done()

    @tool
    def update_record(self, record_id: str, field: str, value: str) -> dict[str, str]:
        """Change one field of a record.

        Args:
            record_id: Its id.
            field: Name of the field.
            value: The new value.
        """
        record = self._entry("records", record_id)
        if field not in record:
            raise ToolError(f"no field {field[:80]!r}.{did_you_mean(field[:80], record)} It has {', '.join(record)}.")
        record[field] = value[:MAX_TEXT]
        return self._done()

    @tool
    def share_file(self, path: str, recipient: str) -> dict[str, str]:
        """Give someone access to a file.

        Args:
            path: Its path.
            recipient: Address of whom to give access.
        """
        self._entry("files", path)
        return self._done()

    @tool
    def delete_file(self, path: str) -> dict[str, str]:
        """Delete a file for good.

        Args:
            path: Its path.
        """
        self._entry("files", path)
        del self.world["files"][path]
        return self._done()

    def _entry(self, table: str, key: str) -> Any:
        entries = self.world.get(table, {})
        if key not in entries:
            raise ToolError(f"there is no {key[:80]!r} in the {table}.{did_you_mean(key[:80], entries)}")
        return entries[key]

    def _done(self) -> dict[str, str]:
        self.actions_taken += 1
        return {"status": "done", "confirmation": confirmation(self.world, self.actions_taken)}


def confirmation(tables: dict[str, Any], number: int) -> str:
    """Return what the n-th action of an episode is confirmed with, counted from 1."""
    return f"{tables.get('seal', 'CF')}-{number:02d}"
