"""The suite as tests: `pytest` plays it.

The first shows that every task can be done, the second that doing nothing is not enough. The third plays your
assistant, where ASSISTANT names one (openai/MODEL, http://HOST/PATH).
"""

import os

import pytest
from turnwise import Run

from . import Lantern

ASSISTANT = os.environ.get("ASSISTANT")


@pytest.mark.turnwise(Lantern, agent="solver", each=1)
def test_every_task_can_be_done() -> None:
    """Each task is a test; one that fails here is wrong itself."""


@pytest.mark.turnwise(Lantern, agent="nothing")
def test_doing_nothing_is_not_enough(turnwise_run: Run) -> None:
    """A suite that this passes measures nothing."""
    assert turnwise_run.score.mean < 0.5


@pytest.mark.skipif(not ASSISTANT, reason="ASSISTANT names nobody")
@pytest.mark.turnwise(Lantern, agent=ASSISTANT, epochs=3, at_least=0.8)
def test_the_assistant() -> None:
    """Models are not always the same: each task three times, and the mean counts."""
