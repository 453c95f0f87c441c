"""Progressive disclosure: a user who cannot tell everything at once, because it does not know it yet.

The user's model is told the facts of its task bit by bit, in private, as the conversation goes on: `first` of
them before its first words, `step` more before each further ones. What it was not told it cannot give away,
however little it keeps to its rules. While facts are left it does not say goodbye: it is told the rest and
asked again, and where it still insists, its mark is taken off and the next fact is said as it stands.

What it was told is in the log, addressed to the user alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.agent import Ask
from turnwise.agents.users.manner import Draft, Manner, Of, Wrapper, of, said
from turnwise.agents.users.marks import ASIDE, MARK, mark_in, unmarked
from turnwise.errors import ConfigError
from turnwise.message import system
from turnwise.role import Role

_TELLS = f"{ASIDE}What comes to your mind now, to bring up when it fits: "


class Disclosure(Wrapper):
    """A user who is told its facts bit by bit; see the module.

    Args:
        facts: What it has to tell, in the order in which it comes to its mind.
        inner: Who speaks.
        first: Facts that it knows before its first words.
        step: Facts that are added before each further ones.
        marks: What ends the conversation.

    Raises:
        ConfigError: nothing would ever be added; or what it wraps does not heed what it is told.
    """

    told = True

    def __init__(
        self,
        facts: Of[Sequence[str]],
        inner: Manner | None = None,
        *,
        first: int = 1,
        step: int = 1,
        marks: Sequence[str] = (MARK,),
    ) -> None:
        super().__init__(inner)
        if first < 0 or step < 1:
            raise ConfigError(f"disclosure: expected first >= 0 and step >= 1, got {first} and {step}")
        self.facts = facts
        self.first = first
        self.step = step
        self.marks = tuple(marks)

    async def draft(self, role: Role, ask: Ask) -> Draft:
        """What is said with what is known by now."""
        facts = of(self.facts, role)
        self._tell(role, facts, self.first + self.step * len(said(role)))
        draft = await self.inner.draft(role, ask)
        known = _known(role)
        if known >= len(facts) or mark_in(draft.text, self.marks) is None:
            return draft
        self._tell(role, facts, len(facts))
        again = await self.inner.draft(role, ask)
        if mark_in(again.text, self.marks) is None:
            return again
        words = unmarked(again.text, self.marks)
        return again.saying(f"{words} {facts[known]}".strip()).noting("held_back", "an early goodbye")

    def _tell(self, role: Role, facts: Sequence[str], due: int) -> None:
        """Tell the model the facts that are due and not told yet."""
        for fact in facts[_known(role) : due]:
            role.tell(system(_TELLS + fact))


def _known(role: Role) -> int:
    """Facts the role was told so far."""
    return sum(
        1
        for entry in role.history
        if entry.message.role == "system" and entry.message.text.startswith(_TELLS)
    )
