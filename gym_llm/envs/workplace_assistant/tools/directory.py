"""The directory of the staff: one tool that reads."""

from __future__ import annotations

from gym_llm import ToolError, tool
from gym_llm.envs.workplace_assistant.arguments import Query
from gym_llm.envs.workplace_assistant.tables import Office


class DirectoryTools:
    """Looking up addresses."""

    office: Office

    @tool
    def company_directory_find_email_address(self, name: Query = "") -> list[str]:
        """Find e-mail addresses of the staff by name.

        Args:
            name: First name, last name or both.
        """
        if not name.strip():
            raise ToolError("Name not provided.")
        wanted = ".".join(name.lower().split())
        return [address for address in self.office.world.directory if wanted in address.lower()]
