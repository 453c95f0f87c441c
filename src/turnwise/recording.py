"""What is known of an episode already: the effects that a resumed, forked or replayed one is served from."""

from __future__ import annotations

import msgspec

from turnwise.errors import ModelError, ReplayDivergence, TurnwiseError
from turnwise.limits import EpisodeStop
from turnwise.log import Call, Effect, EpisodeLog, Stop


class Recording:
    """What is known already: effects to serve, and turns to compare with."""

    def __init__(self, log: EpisodeLog, *, live: bool, stored: bool, lenient: bool = False) -> None:
        self.log = log
        self.lenient = lenient
        """Whether a recorded call that does not fit is made anew instead of being a divergence (a retry)."""
        self.live = live
        """Whether the episode may go on where the record ends; a replay may not."""
        self.stored = stored
        """Whether the record is this episode's own log, so that nothing of it is written again."""
        said = {(turn.role, turn.calls[-1]): turn.message for turn in log.turns if turn.calls}
        self._calls: dict[tuple[str, int], Call] = {}
        for call in log.calls:
            if call.message is None and call.error is None:
                call = msgspec.structs.replace(call, message=said[call.role, call.n])
            self._calls[call.role, call.n] = call
        self._effects = {(effect.key, effect.n): effect for effect in log.effects}

    def call(self, role: str, n: int) -> Call | None:
        """The recorded call, or None where the episode goes on live."""
        call = self._calls.get((role, n))
        if call is None and not self.live:
            self._at_end(f"call {n} of {role!r}")
        return call

    def effect(self, key: str, n: int) -> Effect | None:
        """The recorded effect, or None where the episode goes on live."""
        effect = self._effects.get((key, n))
        if effect is None and not self.live:
            self._at_end(f"effect {n} of {key!r}")
        return effect

    def forget(self, role: str, n: int) -> None:
        """Drop a role's recorded calls from number `n` on."""
        for key in [key for key in self._calls if key[0] == role and key[1] >= n]:
            del self._calls[key]

    def _at_end(self, wanted: str) -> None:
        """A replay asks for more than was recorded: it was stopped there, or failed, or it diverges."""
        if self.log.stop is None or self.log.stop is Stop.COMPLETED:
            raise ReplayDivergence(
                f"turn {len(self.log.turns)}: the log ends here, but replay asks for {wanted}; "
                f"the environment or its settings changed since it was recorded"
            )
        if self.log.error is not None:
            raise _failure(self.log)
        raise EpisodeStop(self.log.stop, self.log.detail)


def _failure(log: EpisodeLog) -> TurnwiseError:
    """What a failed log ends in, once more: what infrastructure did not give is on no other record."""
    assert log.error is not None
    if log.error.type == ModelError.__name__:
        return ModelError(log.error.message, kind=log.detail or "server")
    return type(log.error.type, (TurnwiseError,), {})(log.error.message)
