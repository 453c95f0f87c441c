"""Cases of the phone world: faults put together, each with what breaks, what mends it, and who can.

As in tau2-bench's telecom domain, a case is a set of faults of one family, and what counts is that it works
in the end, not how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import combinations
from typing import Any, Literal, NamedTuple, TypeAlias

from turnwise.environments.service.tau_bench.phone import Handset, Line, Phone
from turnwise.task import Task
from turnwise.wire import Record

Family: TypeAlias = Literal["service", "data", "pictures"]
By: TypeAlias = Literal["agent", "user"]
NUMBER = Line().number
_MOST = 3
"""Faults in one case."""


class Fix(Record, frozen=True, kw_only=True):
    """One call that mends something."""

    by: By
    name: str
    arguments: dict[str, Any] = {}


class PhoneTask(Task, frozen=True, kw_only=True):
    """One case."""

    family: Family
    faults: tuple[str, ...]
    fixes: tuple[Fix, ...]
    """One way to mend them all."""
    complaint: str
    """What the customer calls about."""


class Fault(NamedTuple):
    """Something that is broken."""

    family: Family
    breaks: Callable[[Line, Handset], None]
    fixes: tuple[Fix, ...]


def _user(name: str, **arguments: Any) -> Fix:
    return Fix(by="user", name=name, arguments=arguments)


def _agent(name: str, **arguments: Any) -> Fix:
    return Fix(by="agent", name=name, arguments={"number": NUMBER, **arguments})


def _set(**fields: Any) -> Callable[[Line, Handset], None]:
    """Sets fields of the line or the handset, whichever has them: `line_roaming`, `airplane_mode`."""

    def breaks(line: Line, handset: Handset) -> None:
        for field, value in fields.items():
            if field.startswith("line_"):
                setattr(line, field.removeprefix("line_"), value)
            else:
                setattr(handset, field, value)

    return breaks


FAULTS: dict[str, Fault] = {
    "airplane_mode": Fault("service", _set(airplane_mode=True), (_user("toggle_airplane_mode"),)),
    "sim_missing": Fault("service", _set(sim="missing"), (_user("reseat_sim_card"),)),
    "bill_overdue": Fault(
        "service",
        _set(line_suspended=True, line_owed=42.5),
        (_agent("send_payment_request"), _user("pay_bill"), _agent("resume_line")),
    ),
    "data_off": Fault("data", _set(mobile_data=False), (_user("toggle_mobile_data"),)),
    "phone_not_roaming": Fault("data", _set(abroad=True, roaming=False), (_user("toggle_roaming"),)),
    "line_not_roaming": Fault("data", _set(abroad=True, line_roaming=False), (_agent("enable_roaming"),)),
    "data_used_up": Fault("data", _set(line_used_gb=10.0), (_agent("add_data", gigabytes=2.0),)),
    "slow_network": Fault("data", _set(mode="2g"), (_user("set_network_mode", mode="5g"),)),
    "data_saver": Fault("data", _set(data_saver=True), (_user("toggle_data_saver"),)),
    "access_point": Fault(
        "pictures", _set(access_point="wrong"), (_user("reset_access_point"), _user("restart_phone"))
    ),
    "no_permission": Fault("pictures", _set(may_send=False), (_user("allow_messaging"),)),
    "data_off_too": Fault("pictures", _set(mobile_data=False), (_user("toggle_mobile_data"),)),
    "data_used_up_too": Fault("pictures", _set(line_used_gb=10.0), (_agent("add_data", gigabytes=2.0),)),
}
"""By name."""
_COMPLAINTS: dict[Family, str] = {
    "service": "My phone has no network at all.",
    "data": "Mobile data does not work on my phone, or it is far too slow.",
    "pictures": "I cannot send picture messages.",
}


@cache
def tasks(family: Family) -> tuple[PhoneTask, ...]:
    """All cases of a family, those of few faults first."""
    return tuple(_tasks(family))


def _tasks(family: Family) -> Iterator[PhoneTask]:
    names = [name for name, fault in FAULTS.items() if fault.family == family]
    for count in range(1, _MOST + 1):
        for chosen in combinations(names, count):
            yield PhoneTask(
                id=f"{family}/{'+'.join(chosen)}",
                family=family,
                faults=chosen,
                fixes=tuple(fix for name in chosen for fix in FAULTS[name].fixes),
                complaint=_COMPLAINTS[family],
            )


def broken(task: PhoneTask) -> Phone:
    """The phone as the customer finds it."""
    line, handset = Line(), Handset()
    for name in task.faults:
        FAULTS[name].breaks(line, handset)
    return Phone(line, handset)


def works(phone: Phone, family: Family) -> bool:
    """Whether what the customer called about is mended."""
    if family == "service":
        return phone.service
    return phone.speed == "fast" if family == "data" else phone.sends_pictures
