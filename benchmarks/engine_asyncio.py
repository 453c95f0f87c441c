"""The floor: the same world and model under bare asyncio, with nothing kept but messages in memory."""

from __future__ import annotations

import asyncio
import sys

from common import REPLY, Meter, World, peak_mb, report


async def main() -> None:
    """Measure."""
    episodes, turns, concurrency = map(int, sys.argv[1:4])
    seconds = float(sys.argv[4])

    async def model(messages: list[dict[str, str]]) -> str:
        await asyncio.sleep(seconds)
        return REPLY

    async def work(queue: iter) -> None:
        for number in queue:
            world = World(number, turns)
            said, over = world.first(), False
            messages: list[dict[str, str]] = []
            while not over:
                messages.append({"role": "user", "content": said})
                reply = await model(messages)
                messages.append({"role": "assistant", "content": reply})
                said, over = world.step(reply)

    queue = iter(range(episodes))
    with Meter() as meter:
        await asyncio.gather(*(work(queue) for _ in range(concurrency)))
    report(meter.row(episodes * turns, peak_mb=peak_mb()))


asyncio.run(main())
