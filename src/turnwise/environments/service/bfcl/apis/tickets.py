"""`TicketAPI`: support tickets that are opened, changed, resolved and closed."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

from turnwise.errors import ToolError
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool

Id: TypeAlias = int | str
_FIELDS = {"title", "description", "status", "priority"}


class TicketAPI(Desk):
    """A queue of tickets.

    Args:
        config: `ticket_queue`, `ticket_counter`, `current_user`, each where it is not empty.
    """

    name: ClassVar[str] = "TicketAPI"

    ticket_queue: list[dict[str, Any]]
    ticket_counter: int
    current_user: str | None

    def __init__(
        self,
        config: Mapping[str, Any],
        long: Mapping[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.ticket_queue = copy.deepcopy(config.get("ticket_queue", []))
        self.ticket_counter = config.get("ticket_counter", 1)
        self.current_user = config.get("current_user")

    @tool
    def create_ticket(self, title: str, description: str = "", priority: int = 1) -> dict[str, Any]:
        """Open a ticket.

        Args:
            title: What it is about.
            description: All there is to say about it.
            priority: From 1 to 5, which is the most urgent.
        """
        if self.current_user is None:
            raise ToolError("create_ticket: log in first")
        if not 1 <= priority <= 5:
            raise ToolError("create_ticket: the priority must be from 1 to 5")
        ticket = {
            "id": self.ticket_counter,
            "title": title,
            "description": description,
            "status": "Open",
            "priority": priority,
            "created_by": self.current_user,
        }
        self.ticket_queue.append(ticket)
        self.ticket_counter += 1
        return ticket

    @tool(kind="read")
    def get_ticket(self, ticket_id: Id) -> dict[str, Any]:
        """All of one ticket.

        Args:
            ticket_id: Which.
        """
        return self._ticket("get_ticket", ticket_id)

    @tool
    def close_ticket(self, ticket_id: Id) -> dict[str, str]:
        """Close a ticket.

        Args:
            ticket_id: Which.
        """
        ticket = self._ticket("close_ticket", ticket_id)
        if ticket["status"] == "Closed":
            raise ToolError(f"close_ticket: ticket {ticket_id} is closed already")
        ticket["status"] = "Closed"
        return {"status": f"Ticket {ticket_id} is closed."}

    @tool
    def resolve_ticket(self, ticket_id: Id, resolution: str) -> dict[str, str]:
        """Resolve a ticket.

        Args:
            ticket_id: Which.
            resolution: How.
        """
        ticket = self._ticket("resolve_ticket", ticket_id)
        if ticket["status"] == "Resolved":
            raise ToolError(f"resolve_ticket: ticket {ticket_id} is resolved already")
        ticket |= {"status": "Resolved", "resolution": resolution}
        return {"status": f"Ticket {ticket_id} is resolved."}

    @tool
    def edit_ticket(self, ticket_id: Id, updates: dict[str, str | int | None]) -> dict[str, str]:
        """Change a ticket.

        Args:
            ticket_id: Which.
            updates: New values of title, description, status or priority; what is null stays.
        """
        ticket = self._ticket("edit_ticket", ticket_id)
        unknown = sorted(set(updates) - _FIELDS)
        if unknown:
            raise ToolError(f"edit_ticket: {', '.join(unknown)} cannot be changed")
        ticket |= {name: value for name, value in updates.items() if value is not None}
        return {"status": f"Ticket {ticket_id} is changed."}

    @tool
    def ticket_login(self, username: str, password: str) -> dict[str, bool]:
        """Log in.

        Args:
            username: Who.
            password: Theirs; any will do.
        """
        if not (username and password):
            return {"success": False}
        self.current_user = username
        return {"success": True}

    @tool(kind="read")
    def ticket_get_login_status(self) -> dict[str, bool]:
        """Whether somebody is logged in."""
        return {"login_status": self.current_user is not None}

    @tool
    def logout(self) -> dict[str, bool]:
        """Log out."""
        was, self.current_user = self.current_user, None
        return {"success": was is not None}

    @tool(kind="read")
    def get_user_tickets(self, status: str | None = None) -> list[dict[str, Any]]:
        """The tickets that the user who is logged in has opened.

        Args:
            status: Only those of this status.
        """
        if self.current_user is None:
            raise ToolError("get_user_tickets: log in first")
        return [
            ticket
            for ticket in self.ticket_queue
            if ticket["created_by"] == self.current_user
            and (not status or str(ticket["status"]).lower() == status.lower())
        ]

    def _ticket(self, command: str, ticket_id: Id) -> dict[str, Any]:
        for ticket in self.ticket_queue:
            # Some have texts for ids.
            if str(ticket["id"]) == str(ticket_id):
                return ticket
        raise ToolError(f"{command}: there is no ticket {ticket_id}")
