"""`MessageAPI`: messages between the users of a workspace.

The inbox is what the user who is logged in has sent: each entry is a receiver and a text.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from typing import Any, ClassVar

from turnwise.errors import ToolError
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool

_USERS = {"Alice": "USR001", "Bob": "USR002", "Catherine": "USR003", "Daniel": "USR004"}
_INBOX = (
    {"USR002": "Hello, it is Alice. Shall we meet?"},
    {"USR003": "Have you put the file up?"},
    {"USR004": "Have you put the file up?"},
)


class MessageAPI(Desk):
    """A workspace.

    Args:
        config: `user_map` (ids by name), `inbox`, `current_user`, counts, where they are not the usual.
    """

    name: ClassVar[str] = "MessageAPI"

    generated_ids: list[int]
    user_count: int
    user_map: dict[str, str]
    inbox: list[dict[str, str]]
    message_count: int
    current_user: str | None

    def __init__(
        self,
        config: Mapping[str, Any],
        long: Mapping[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self._random = random.Random(config.get("random_seed", 200191))
        self.generated_ids = sorted(config.get("generated_ids", ()))
        self.user_map = dict(config.get("user_map", _USERS))
        self.user_count = config.get("user_count", 4)
        self.inbox = copy.deepcopy(list(config.get("inbox", _INBOX)))
        self.message_count = config.get("message_count", 3)
        self.current_user = config.get("current_user")

    @tool(kind="read")
    def list_users(self) -> dict[str, list[str]]:
        """All users of the workspace."""
        return {"user_list": list(self.user_map)}

    @tool(kind="read")
    def get_user_id(self, user: str) -> dict[str, str]:
        """The id of a user.

        Args:
            user: The user's name.
        """
        if user not in self.user_map:
            raise ToolError(f"get_user_id: there is no user {user!r}")
        return {"user_id": self.user_map[user]}

    @tool
    def message_login(self, user_id: str) -> dict[str, Any]:
        """Log in.

        Args:
            user_id: Whose id.
        """
        known = user_id in self.user_map.values()
        if known:
            self.current_user = user_id
        return {"login_status": known, "message": f"{user_id} is {'logged in' if known else 'not known'}."}

    @tool(kind="read")
    def message_get_login_status(self) -> dict[str, bool]:
        """Whether somebody is logged in."""
        return {"login_status": bool(self.current_user)}

    @tool
    def send_message(self, receiver_id: str, message: str) -> dict[str, Any]:
        """Send a message.

        Args:
            receiver_id: The id of the user it is for.
            message: The text.
        """
        self._logged_in("send_message")
        if receiver_id not in self.user_map.values():
            raise ToolError(f"send_message: there is no user {receiver_id!r}")
        number = self._random.randint(10000, 99999)
        while number in self.generated_ids:
            number = self._random.randint(10000, 99999)
        self.generated_ids = sorted([*self.generated_ids, number])
        self.inbox.append({receiver_id: message})
        self.message_count += 1
        return {"sent_status": True, "message_id": number, "message": f"Sent to {receiver_id}."}

    @tool
    def delete_message(self, receiver_id: str) -> dict[str, Any]:
        """Delete the last message to somebody.

        Args:
            receiver_id: The id of the user it was for.
        """
        self._logged_in("delete_message")
        places = [place for place, (receiver, _) in enumerate(self._sent()) if receiver == receiver_id]
        if not places:
            raise ToolError(f"delete_message: there is no message to {receiver_id!r}")
        # Of several equal ones the first goes, as published.
        self.inbox.remove(self.inbox[places[-1]])
        return {"deleted_status": True, "receiver_id": receiver_id, "message": "It is deleted."}

    @tool(kind="read")
    def view_messages_sent(self) -> dict[str, dict[str, list[str]]]:
        """All messages that were sent, by receiver."""
        self._logged_in("view_messages_sent")
        sent: dict[str, list[str]] = {}
        for receiver, text in self._sent():
            sent.setdefault(receiver, []).append(text)
        return {"messages": sent}

    @tool
    def add_contact(self, user_name: str) -> dict[str, Any]:
        """Add a user to the workspace.

        Args:
            user_name: What they are called.
        """
        if user_name in self.user_map:
            raise ToolError(f"add_contact: there is a user {user_name!r} already")
        self.user_count += 1
        number = f"USR{self.user_count:03d}"
        if number in self.user_map.values():
            raise ToolError(f"add_contact: the id {number} is taken")
        self.user_map[user_name] = number
        return {"added_status": True, "user_id": number, "message": f"{user_name} is added."}

    @tool(kind="read")
    def search_messages(self, keyword: str) -> dict[str, list[dict[str, str]]]:
        """Messages that hold a word.

        Args:
            keyword: The word, in any case.
        """
        self._logged_in("search_messages")
        found = [(receiver, text) for receiver, text in self._sent() if keyword.lower() in text.lower()]
        return {"results": [{"receiver_id": receiver, "message": text} for receiver, text in found]}

    @tool(kind="read")
    def get_message_stats(self) -> dict[str, dict[str, int]]:
        """How many messages there are, and to how many users."""
        self._logged_in("get_message_stats")
        receivers = {receiver for receiver, _ in self._sent()}
        return {"stats": {"received_count": len(self.inbox), "total_contacts": len(receivers)}}

    def _sent(self) -> list[tuple[str, str]]:
        """Receivers and texts; of an entry with several the first counts, as published."""
        return [next(iter(sent.items())) for sent in self.inbox]

    def _logged_in(self, command: str) -> None:
        if not self.current_user:
            raise ToolError(f"{command}: log in first")
