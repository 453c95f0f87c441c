"""A phone and its line: two states, two people who can each change one of them, and what couples the two.

The shape is that of tau2-bench's telecom domain (Barres et al. 2025, arXiv 2506.07982); the phone, its faults
and its rules are ours. The carrier's tools are the agent's, the phone's are the customer's; neither can do
with their own alone what needs both. What follows by itself (a request for payment shows on the phone, a paid
bill is known to the carrier) follows after every call.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from turnwise.errors import ToolError
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool

Speed = Literal["none", "slow", "fast"]
Mode = Literal["2g", "4g", "5g"]
_MOST_GB = 5.0
"""Data that can be added at once."""


class Line(msgspec.Struct, kw_only=True):
    """What the carrier knows."""

    number: str = "555-0147"
    owner: str = "Dana Field"
    suspended: bool = False
    owed: float = 0.0
    """An overdue bill, in dollars."""
    asked: bool = False
    """Whether payment was asked for."""
    roaming: bool = True
    allowance_gb: float = 10.0
    used_gb: float = 3.0


class Handset(msgspec.Struct, kw_only=True):
    """What the customer has in hand."""

    abroad: bool = False
    airplane_mode: bool = False
    sim: Literal["in place", "missing"] = "in place"
    mobile_data: bool = True
    roaming: bool = True
    data_saver: bool = False
    mode: Mode = "5g"
    access_point: Literal["right", "wrong", "right after a restart"] = "right"
    may_send: bool = True
    """Whether the messaging app has its permission."""
    request: float = 0.0
    """A payment that the carrier asks for, in dollars."""
    paid: float = 0.0
    """What was paid and the carrier does not know of yet."""


class Phone(Desk):
    """Line and handset.

    Args:
        line: As it is in the beginning.
        handset: As it is in the beginning.
    """

    name: ClassVar[str] = "phone"
    line: Line
    handset: Handset

    def __init__(self, line: Line | None = None, handset: Handset | None = None) -> None:
        self.line = line or Line()
        self.handset = handset or Handset()

    # What can be told from outside --------------------------------------------------------------------

    @property
    def service(self) -> bool:
        """Whether there is a network."""
        return not (self.handset.airplane_mode or self.handset.sim == "missing" or self.line.suspended)

    @property
    def speed(self) -> Speed:
        """Of mobile data."""
        line, handset = self.line, self.handset
        if not self.service or not handset.mobile_data or line.used_gb >= line.allowance_gb:
            return "none"
        if handset.abroad and not (line.roaming and handset.roaming):
            return "none"
        return "slow" if handset.data_saver or handset.mode == "2g" else "fast"

    @property
    def sends_pictures(self) -> bool:
        """Whether a picture message goes out."""
        return self.speed != "none" and self.handset.access_point == "right" and self.handset.may_send

    def settle(self) -> None:
        """A request reaches the phone; a payment reaches the carrier."""
        line, handset = self.line, self.handset
        if handset.paid:
            line.owed = max(0.0, round(line.owed - handset.paid, 2))
            line.asked = line.asked and line.owed > 0
            handset.paid = 0.0
        handset.request = line.owed if line.asked else 0.0

    # The carrier's ------------------------------------------------------------------------------------

    @tool(kind="read", callers="agent")
    def get_line(self, number: str) -> Line:
        """Everything about a line: suspended or not, what is owed, roaming, data.

        Args:
            number: Such as '555-0147'.
        """
        return self._line(number)

    @tool(callers="agent")
    def send_payment_request(self, number: str) -> str:
        """Ask the customer to pay the overdue bill; the request shows on the phone.

        Args:
            number: Such as '555-0147'.
        """
        line = self._line(number)
        if not line.owed:
            raise ToolError("there is no overdue bill")
        line.asked = True
        return f"A request for ${line.owed:.2f} was sent."

    @tool(callers="agent")
    def resume_line(self, number: str) -> str:
        """End the suspension of a line whose bill is paid.

        Args:
            number: Such as '555-0147'.
        """
        line = self._line(number)
        if not line.suspended:
            raise ToolError("the line is not suspended")
        if line.owed:
            raise ToolError(f"${line.owed:.2f} are still to be paid")
        line.suspended = False
        return "The line is active again."

    @tool(callers="agent")
    def enable_roaming(self, number: str) -> str:
        """Let a line be used abroad; the phone must allow it, too.

        Args:
            number: Such as '555-0147'.
        """
        self._line(number).roaming = True
        return "Roaming is on for this line."

    @tool(callers="agent")
    def add_data(self, number: str, gigabytes: float) -> str:
        """Give a line more data for this month.

        Args:
            number: Such as '555-0147'.
            gigabytes: More than 0, and 5 at most.
        """
        line = self._line(number)
        if not 0 < gigabytes <= _MOST_GB:
            raise ToolError(f"gigabytes must be more than 0, and {_MOST_GB:g} at most")
        line.allowance_gb = round(line.allowance_gb + gigabytes, 2)
        return f"The line has {line.allowance_gb:g} GB this month."

    @tool(kind="read", callers="agent")
    def transfer_to_human_agents(self, summary: str) -> str:
        """Hand the customer over, where nothing helps.

        Args:
            summary: What it is about.
        """
        return "Transfer successful"

    # The customer's -----------------------------------------------------------------------------------

    @tool(kind="read", callers="user")
    def check_status_bar(self) -> str:
        """Look at the top of the screen: network, airplane mode, data, requests."""
        handset = self.handset
        signs = [
            "airplane mode" if handset.airplane_mode else "",
            "no SIM card" if handset.sim == "missing" else "",
            f"network {handset.mode}" if self.service else "no network",
            "mobile data on" if handset.mobile_data else "mobile data off",
            "data saver" if handset.data_saver else "",
            f"payment of ${handset.request:.2f} asked for" if handset.request else "",
        ]
        return ", ".join(sign for sign in signs if sign)

    @tool(kind="read", callers="user")
    def run_speed_test(self) -> str:
        """See how fast mobile data is."""
        return {"none": "No connection.", "slow": "0.2 Mbit/s: slow.", "fast": "180 Mbit/s: fast."}[
            self.speed
        ]

    @tool(kind="read", callers="user")
    def send_test_picture(self) -> str:
        """Try to send a picture message."""
        return "The picture was sent." if self.sends_pictures else "The picture was not sent."

    @tool(callers="user")
    def toggle_airplane_mode(self) -> str:
        """Turn airplane mode on or off."""
        self.handset.airplane_mode = not self.handset.airplane_mode
        return f"Airplane mode is now {_on(self.handset.airplane_mode)}."

    @tool(callers="user")
    def reseat_sim_card(self) -> str:
        """Take the SIM card out and put it in again."""
        self.handset.sim = "in place"
        return "The SIM card is in place."

    @tool(callers="user")
    def toggle_mobile_data(self) -> str:
        """Turn mobile data on or off."""
        self.handset.mobile_data = not self.handset.mobile_data
        return f"Mobile data is now {_on(self.handset.mobile_data)}."

    @tool(callers="user")
    def toggle_roaming(self) -> str:
        """Let the phone use data abroad, or not."""
        self.handset.roaming = not self.handset.roaming
        return f"Data roaming is now {_on(self.handset.roaming)}."

    @tool(callers="user")
    def toggle_data_saver(self) -> str:
        """Turn the data saver on or off."""
        self.handset.data_saver = not self.handset.data_saver
        return f"The data saver is now {_on(self.handset.data_saver)}."

    @tool(callers="user")
    def set_network_mode(self, mode: Mode) -> str:
        """Choose the network that the phone prefers.

        Args:
            mode: 2g, 4g or 5g.
        """
        self.handset.mode = mode
        return f"The phone prefers {mode}."

    @tool(callers="user")
    def reset_access_point(self) -> str:
        """Set the access point back; it counts after a restart."""
        if self.handset.access_point == "wrong":
            self.handset.access_point = "right after a restart"
        return "The access point was set back. Restart the phone."

    @tool(callers="user")
    def restart_phone(self) -> str:
        """Turn the phone off and on."""
        if self.handset.access_point == "right after a restart":
            self.handset.access_point = "right"
        return "The phone is on again."

    @tool(callers="user")
    def allow_messaging(self) -> str:
        """Give the messaging app the permission to send."""
        self.handset.may_send = True
        return "The messaging app may send now."

    @tool(callers="user")
    def pay_bill(self) -> str:
        """Pay what the carrier asks for on the phone."""
        if not self.handset.request:
            raise ToolError("there is no request for payment on the phone")
        self.handset.paid = self.handset.request
        return f"You paid ${self.handset.request:.2f}."

    def _line(self, number: str) -> Line:
        if number != self.line.number:
            raise ToolError(f"there is no line {number}")
        return self.line


def _on(value: bool) -> str:
    return "on" if value else "off"
