"""Customer relationships: four tools that search, add, change and delete customers."""

from __future__ import annotations

from typing import Any, Literal, get_args

from gym_llm import ToolError, tool
from gym_llm.envs.workplace_assistant.arguments import (
    Id,
    Product,
    Query,
    Status,
    Text,
    contains,
    existing,
    one_of,
    page_of,
)
from gym_llm.envs.workplace_assistant.moments import day, window
from gym_llm.envs.workplace_assistant.tables import Office

CustomerChange = Literal[
    "assigned_to_email", "customer_name", "customer_email", "customer_phone", "last_contact_date",
    "product_interest", "status", "follow_up_by", "notes",
]  # fmt: skip


class CustomerTools:
    """The customers."""

    office: Office

    @tool
    def customer_relationship_manager_search_customers(
        self, customer_name: Query = "", customer_email: Query = "", product_interest: Query = "",
        status: Query = "", assigned_to_email: Query = "", last_contact_date_min: Query = "",
        last_contact_date_max: Query = "", follow_up_by_min: Query = "", follow_up_by_max: Query = "",
        page: int = 1, page_size: int = 5,
    ) -> dict[str, Any] | str:  # fmt: skip
        """Search customers by any of their fields.

        Args:
            customer_name: Text in the customer's name.
            customer_email: Text in the customer's address.
            product_interest: Text in the product that the customer is interested in.
            status: Text in the customer's status.
            assigned_to_email: Text in the address of the colleague in charge.
            last_contact_date_min: First day of the last contact, YYYY-MM-DD.
            last_contact_date_max: Last day of the last contact, YYYY-MM-DD.
            follow_up_by_min: First day of the follow-up date, YYYY-MM-DD.
            follow_up_by_max: Last day of the follow-up date, YYYY-MM-DD.
            page: Page of the results, from 1.
            page_size: Customers on a page, 1 to 100.
        """
        texts = {
            "customer_name": customer_name, "customer_email": customer_email, "product_interest": product_interest,
            "status": status, "assigned_to_email": assigned_to_email,
        }  # fmt: skip
        bounds = {
            "last_contact_date": (last_contact_date_min, last_contact_date_max),
            "follow_up_by": (follow_up_by_min, follow_up_by_max),
        }
        given = {column: pair for column, pair in bounds.items() if any(pair)}
        if not given and not any(texts.values()):
            raise ToolError("No search parameters provided. Please provide at least one parameter.")
        whole = not self.office.lax
        windows = {
            column: window(*pair, (f"{column}_min", f"{column}_max"), whole_days=whole)
            for column, pair in given.items()
        }
        found = [
            row for row in self.office.customers.rows()
            if contains(row, **texts) and all(inside(row[column] or "") for column, inside in windows.items())
        ]  # fmt: skip
        return page_of(found, "customers", page, page_size)

    @tool
    def customer_relationship_manager_update_customer(
        self, customer_id: Id, field: CustomerChange, new_value: Text
    ) -> str:
        """Change one field of a customer.

        Args:
            customer_id: 8-digit id of the customer.
            field: The field to change.
            new_value: Its new value.
        """
        new_value = self._checked(field, new_value)
        existing(self.office.customers.update(customer_id, **{field: new_value}), "Customer")
        return "Customer updated successfully."

    @tool
    def customer_relationship_manager_add_customer(
        self, customer_name: Text, assigned_to_email: Text, status: Text, customer_email: Query = "",
        customer_phone: Query = "", last_contact_date: Query = "", product_interest: Query = "",
        notes: Query = "", follow_up_by: Query = "",
    ) -> str:  # fmt: skip
        """Add a customer and return the new id.

        Args:
            customer_name: Name of the customer.
            assigned_to_email: Address of the colleague in charge.
            status: Qualified, Won, Lost, Lead or Proposal.
            customer_email: Address of the customer.
            customer_phone: Phone number of the customer.
            last_contact_date: Day of the last contact, YYYY-MM-DD.
            product_interest: Software, Hardware, Services, Consulting or Training.
            notes: Notes about the customer.
            follow_up_by: Day of the follow-up, YYYY-MM-DD.
        """
        given = {
            "assigned_to_email": assigned_to_email, "customer_name": customer_name, "customer_email": customer_email,
            "customer_phone": customer_phone, "last_contact_date": last_contact_date,
            "product_interest": product_interest, "status": status, "follow_up_by": follow_up_by, "notes": notes,
        }  # fmt: skip
        strict = not self.office.lax
        values = {key: self._checked(key, value) if value and strict else value or None for key, value in given.items()}
        return self.office.customers.add(**values)

    @tool
    def customer_relationship_manager_delete_customer(self, customer_id: Id) -> str:
        """Delete a customer.

        Args:
            customer_id: 8-digit id of the customer.
        """
        existing(self.office.customers.delete(customer_id), "Customer")
        return "Customer deleted successfully."

    def _checked(self, field: str, value: str) -> str:
        """Return a field's new value in the table's spelling."""
        if field == "status":
            one_of(value, get_args(Status), "Status")
        elif field == "product_interest":
            one_of(value, get_args(Product), "Product interest")
        elif field in ("assigned_to_email", "customer_email"):
            value = value.strip().lower()
            if field == "assigned_to_email" and value not in self.office.world.directory and not self.office.lax:
                raise ToolError("Assignee email not valid. Please choose an address of the company directory.")
        elif field in ("last_contact_date", "follow_up_by"):
            found = day(value)
            if found is None and not self.office.lax:
                raise ToolError(f"Invalid {field} format. Expected YYYY-MM-DD.")
            value = f"{found} 23:59:00" if found else value
        return value
