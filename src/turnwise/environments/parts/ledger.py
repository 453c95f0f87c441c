"""A budget ledger: what an agent may still use up, and what happens when it is gone.

A `Budget` is a named amount (steps, proposals, tool calls, coins). Its policy says what its end means:

- `end`: nothing more can be done; the conversation is over.
- `refuse`: what does not fit is refused, and the conversation goes on without it.
- `force_final`: the last `reserve` of it can only be spent on a final answer; then it is over.
- `free_final`: when it is spent, one final answer is still heard, at no cost; then it is over.

The ledger only counts. The environment asks it for the `phase` before each turn, spends as the agent acts,
and may show the agent what is left (`remainder`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from turnwise.errors import ConfigError, did_you_mean
from turnwise.wire import Record

_PLACES = 9
Policy: TypeAlias = Literal["end", "refuse", "force_final", "free_final"]
Phase: TypeAlias = Literal["open", "final", "over"]


class Budget(Record, frozen=True, kw_only=True):
    """A named amount that can be used up.

    Raises:
        ConfigError: for a negative limit or reserve.
    """

    name: str
    limit: float
    policy: Policy = "end"
    reserve: float = 1
    """With `force_final`: how much of it is kept for the final answer."""

    def __post_init__(self) -> None:
        if not (self.limit >= 0 and self.reserve >= 0):
            raise ConfigError(
                f"budget {self.name!r}: limit and reserve must not be negative, "
                f"got {self.limit:g} and {self.reserve:g}"
            )


class Ledger:
    """What was spent of several budgets. Where two are spent at once, the one named first tells the reason.

    Raises:
        ConfigError: where two budgets share a name.
    """

    def __init__(self, budgets: Iterable[Budget]) -> None:
        self._budgets: dict[str, Budget] = {}
        for budget in budgets:
            if budget.name in self._budgets:
                raise ConfigError(f"ledger: two budgets are called {budget.name!r}; names must differ")
            self._budgets[budget.name] = budget
        self._spent = dict.fromkeys(self._budgets, 0.0)
        self._answered: set[str] = set()
        """Budgets that have given their free final answer."""

    def spent(self, name: str) -> float:
        """How much of a budget was spent."""
        self._budget(name)
        return self._spent[name]

    def left(self, name: str) -> float:
        """How much of a budget is left; never below 0."""
        return max(0.0, round(self._budget(name).limit - self._spent[name], _PLACES))

    def fits(self, name: str, amount: float = 1, *, final: bool = False) -> bool:
        """Whether `amount` can be spent now; a `final` answer may use what is reserved for it, or be free."""
        budget = self._budget(name)
        if name in self._answered:
            return False
        if budget.policy == "free_final" and final:
            return True
        kept = budget.reserve if budget.policy == "force_final" and not final else 0
        return amount <= round(self.left(name) - kept, _PLACES)

    def spend(self, name: str, amount: float = 1, *, final: bool = False) -> bool:
        """Spend `amount`, or refuse: then nothing is deducted and the answer is False.

        Raises:
            ConfigError: for a negative amount or an unknown budget.
        """
        if not amount >= 0:
            raise ConfigError(f"budget {name!r}: cannot spend the negative amount {amount:g}")
        if not self.fits(name, amount, final=final):
            return False
        if amount <= self.left(name):
            # Costs are written in decimals: ten times 0.1 is 1, and not what binary fractions make of it.
            self._spent[name] = round(self._spent[name] + amount, _PLACES)
        else:
            self._answered.add(name)
        return True

    @property
    def phase(self) -> Phase:
        """`open`: go on; `final`: the next reply must be the final answer; `over`: nothing more is heard."""
        phases = [self._phase(budget) for budget in self._budgets.values()]
        return "over" if "over" in phases else "final" if "final" in phases else "open"

    @property
    def ran_out(self) -> str | None:
        """The first budget whose end ended the conversation; None while it goes on."""
        over = (name for name, budget in self._budgets.items() if self._phase(budget) == "over")
        return next(over, None)

    def remainder(self) -> str:
        """What is left, for the agent to read: `3 steps, 1 proposals`."""
        return ", ".join(f"{self.left(name):g} {name}" for name in self._budgets)

    def balance(self, name: str) -> str:
        """What is left of one budget, for the agent to read: `[5 of 16 coins left]`."""
        return f"[{self.left(name):g} of {self._budget(name).limit:g} {name} left]"

    def _phase(self, budget: Budget) -> Phase:
        left = self.left(budget.name)
        if budget.policy == "refuse":
            return "open"
        if budget.name in self._answered:
            return "over"
        if budget.policy == "free_final":
            return "open" if left else "final"
        if budget.policy == "force_final" and 0 < left <= budget.reserve:
            return "final"
        return "open" if left else "over"

    def _budget(self, name: str) -> Budget:
        try:
            return self._budgets[name]
        except KeyError:
            near = did_you_mean(name, self._budgets)
            raise ConfigError(f"ledger: there is no budget {name!r}{near}") from None
