"""The rubric judge: the role `judge` reads the conversation, once it is over, window by window."""

from __future__ import annotations

from turnwise.environments.parts.views import ask_alone
from turnwise.episode import Episode
from turnwise.judges.sliding_window import SlidingWindow
from turnwise.log import EpisodeLog, Stop
from turnwise.verdict import Finding, Verdict


async def rubric(episode: Episode, judge: SlidingWindow) -> Verdict:
    """What the judge makes of the conversation so far; each window's turns of criteria are notes (`rubric`).

    Raises:
        ModelError: the judge failed, or cannot be read where its setting says that this is an error.
    """

    async def ask(prompt: str) -> str:
        return (await ask_alone(episode.judge, prompt)).text

    told = await judge.verdicts(_log(episode), ask)
    before: tuple[Finding, ...] = ()
    for number, verdict in enumerate(told):
        turned = [
            {"id": now.criterion.id, "met": now.met, "reason": now.reason}
            for at, now in enumerate(verdict.findings)
            if now.met is not (before[at].met if before else False)
        ]
        note = {"window": number + 1, "of": len(told), "turned": turned, "unread": verdict.missing}
        episode.note(note, name="rubric")
        before = verdict.findings or before
    return judge.reduce(told)


def _log(episode: Episode) -> EpisodeLog:
    """The conversation as a log of its own, before the judge says a word."""
    return episode.header(turns=tuple(episode.turns), stop=Stop.COMPLETED, detail=episode.detail)
