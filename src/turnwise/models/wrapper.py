"""A model round a model: what stays the same whatever it adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from turnwise.message import Message
from turnwise.model import Model, Request, Sample, Stateful


class Wrapper:
    """Behaves as `model`; subclasses change `sample`."""

    def __init__(self, model: Model) -> None:
        self.model = model

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    @property
    def remote(self) -> bool:
        """As the model says."""
        return self.model.remote

    async def sample(self, request: Request) -> Sample:
        """Answer one request.

        Raises:
            ModelError: the model's own.
        """
        return await self.model.sample(request)

    async def close(self) -> None:
        """Close the model."""
        await self.model.close()


class StatefulWrapper(Wrapper):
    """Behaves as a model that keeps something for each session (see `turnwise.model.Stateful`)."""

    def replayed(self, request: Request, message: Message, sampled_ids: Sequence[int] | None = None) -> None:
        """Tell the model."""
        if isinstance(self.model, Stateful):
            self.model.replayed(request, message, sampled_ids)

    def forget(self, session: str) -> None:
        """Tell the model."""
        if isinstance(self.model, Stateful):
            self.model.forget(session)


W = TypeVar("W", bound=Wrapper)


def fitting(model: Model, plain: type[W], stateful: type[W]) -> type[W]:
    """Which of two wrappers a model needs: only one round a `Stateful` model may look like one."""
    return stateful if isinstance(model, Stateful) else plain
