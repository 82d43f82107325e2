"""Mail: six tools that search, read, send and delete."""

from __future__ import annotations

from typing import Any, Literal

from gym_llm import ToolError, tool
from gym_llm.envs.workplace_assistant.arguments import Id, Query, Text, existing, page_of
from gym_llm.envs.workplace_assistant.moments import NOW, day, window
from gym_llm.envs.workplace_assistant.tables import Office, Row

EmailField = Literal["email_id", "inbox/outbox", "sender/recipient", "subject", "sent_datetime", "body"]


class EmailTools:
    """The mailbox."""

    office: Office

    @tool
    def email_get_email_information_by_id(self, email_id: Id, field: EmailField) -> dict[str, str | None]:
        """Read one field of an e-mail.

        Args:
            email_id: 8-digit id of the e-mail.
            field: The field to read.
        """
        return {field: self._email(email_id)[field]}

    @tool
    def email_search_emails(
        self, query: Query = "", date_min: Query = "", date_max: Query = "", page: int = 1, page_size: int = 5
    ) -> dict[str, Any] | str:
        """Search e-mails whose subject, body and address together contain every word of a query, newest first.

        Args:
            query: Words, in any order and letter case.
            date_min: First day, YYYY-MM-DD.
            date_max: Last day, YYYY-MM-DD.
            page: Page of the results, from 1.
            page_size: E-mails on a page, 1 to 100.
        """
        words = query.lower().split()
        inside = window(day(date_min) or date_min, day(date_max) or date_max, ("date_min", "date_max"))
        found = [
            row for row in self.office.emails.rows()
            if inside(row["sent_datetime"] or "") and _has(row, words)
        ]  # fmt: skip
        found.sort(key=lambda row: row["sent_datetime"] or "", reverse=True)
        return page_of(found, "emails", page, page_size)

    @tool
    def email_send_email(self, recipient: Text, subject: Text, body: Text) -> str:
        """Send an e-mail.

        Args:
            recipient: Address of the recipient.
            subject: Subject line.
            body: Text of the e-mail.
        """
        self._send(recipient, subject, body)
        return "Email sent successfully."

    @tool
    def email_delete_email(self, email_id: Id) -> str:
        """Delete an e-mail.

        Args:
            email_id: 8-digit id of the e-mail.
        """
        existing(self.office.emails.delete(email_id), "Email")
        return "Email deleted successfully."

    @tool
    def email_forward_email(self, email_id: Id, recipient: Text) -> str:
        """Forward an e-mail.

        Args:
            email_id: 8-digit id of the e-mail.
            recipient: Address of the recipient.
        """
        email = self._email(email_id)
        self._send(recipient, f"FW: {email['subject']}", email["body"] or "")
        return "Email forwarded successfully."

    @tool
    def email_reply_email(self, email_id: Id, body: Text) -> str:
        """Reply to an e-mail.

        Args:
            email_id: 8-digit id of the e-mail.
            body: Text of the reply.
        """
        email = self._email(email_id)
        self._send(email["sender/recipient"] or "", f"RE: {email['subject']}", body)
        return "Email replied successfully."

    def _email(self, email_id: str) -> Row:
        return existing(self.office.emails.get(email_id), "Email")

    def _send(self, recipient: str, subject: str, body: str) -> None:
        recipient = recipient.strip().lower()
        if "@" not in recipient or "." not in recipient:
            raise ToolError("Invalid recipient email address.")
        self.office.emails.add(**{
            "inbox/outbox": "outbox", "sender/recipient": recipient, "subject": subject, "sent_datetime": NOW,
            "body": body,
        })  # fmt: skip


def _has(row: Row, words: list[str]) -> bool:
    text = f"{row['subject']} {row['body']} {row['sender/recipient']}".lower() if words else ""
    return all(word in text for word in words)
