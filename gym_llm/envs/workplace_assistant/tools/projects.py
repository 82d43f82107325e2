"""The project board: five tools that search, read, create, change and delete tasks."""

from __future__ import annotations

from typing import Any, Literal, get_args

from gym_llm import ToolError, tool
from gym_llm.envs.workplace_assistant.arguments import Board, Id, ListName, Query, Text, contains, existing, one_of
from gym_llm.envs.workplace_assistant.moments import day
from gym_llm.envs.workplace_assistant.tables import Office

TaskField = Literal["task_id", "task_name", "assigned_to_email", "list_name", "due_date", "board"]
TaskChange = Literal["task_name", "assigned_to_email", "list_name", "due_date", "board"]


class ProjectTools:
    """Tasks on the board."""

    office: Office

    @tool
    def project_management_get_task_information_by_id(self, task_id: Id, field: TaskField) -> dict[str, str | None]:
        """Read one field of a task.

        Args:
            task_id: 8-digit id of the task.
            field: The field to read.
        """
        return {field: existing(self.office.tasks.get(task_id), "Task")[field]}

    @tool
    def project_management_search_tasks(
        self, task_name: Query = "", assigned_to_email: Query = "", list_name: Query = "",
        due_date: Query = "", board: Query = "",
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Search tasks by any of their fields.

        Args:
            task_name: Text in the task's name.
            assigned_to_email: Address of the assignee.
            list_name: Text in the name of the list.
            due_date: Due date, YYYY-MM-DD.
            board: Text in the name of the board.
        """
        if not (task_name or assigned_to_email or list_name or due_date or board):
            raise ToolError("No search parameters provided.")
        if assigned_to_email and "@" not in assigned_to_email:
            raise ToolError("Invalid email format for assigned_to_email.")
        assignee, due = assigned_to_email.strip().lower(), day(due_date) or due_date
        return [
            dict(row) for row in self.office.tasks.rows()
            if assignee in ("", row["assigned_to_email"])
            and contains(row, task_name=task_name, list_name=list_name, due_date=due, board=board)
        ]  # fmt: skip

    @tool
    def project_management_create_task(
        self, task_name: Text, assigned_to_email: Text, list_name: ListName, due_date: Text, board: Board
    ) -> str:
        """Create a task and return its id.

        Args:
            task_name: Name of the task.
            assigned_to_email: Address of the assignee, who has to be on a project team.
            list_name: The list to put it on.
            due_date: Due date, YYYY-MM-DD.
            board: The board to put it on.
        """
        return self.office.tasks.add(
            task_name=task_name, assigned_to_email=self._assignee(assigned_to_email), list_name=list_name,
            due_date=self._due(due_date), board=board,
        )  # fmt: skip

    @tool
    def project_management_delete_task(self, task_id: Id) -> str:
        """Delete a task.

        Args:
            task_id: 8-digit id of the task.
        """
        existing(self.office.tasks.delete(task_id), "Task")
        return "Task deleted successfully."

    @tool
    def project_management_update_task(self, task_id: Id, field: TaskChange, new_value: Text) -> str:
        """Change one field of a task.

        Args:
            task_id: 8-digit id of the task.
            field: The field to change.
            new_value: Its new value.
        """
        if field == "assigned_to_email":
            new_value = self._assignee(new_value)
        elif field == "list_name":
            one_of(new_value, get_args(ListName), "List")
        elif field == "board":
            one_of(new_value, get_args(Board), "Board")
        elif field == "due_date":
            new_value = self._due(new_value)
        existing(self.office.tasks.update(task_id, **{field: new_value}), "Task")
        return "Task updated successfully."

    def _assignee(self, address: str) -> str:
        address = address.strip().lower()
        if address not in self.office.world.assignees:
            raise ToolError("Assignee email not valid. Please choose from the list of team members.")
        return address

    def _due(self, text: str) -> str:
        found = day(text)
        if found is None and not self.office.lax:
            raise ToolError("Invalid due_date format. Expected YYYY-MM-DD.")
        return found or text
