"""Prices: what a model's tokens cost, from a table that the user gives.

```toml
[prices."openai/gpt-4o*"]
input = 2.5      # money for a million tokens
output = 10
cached = 1.25    # input read from the provider's cache; as `input` where it is left out
```
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from turnwise.errors import ConfigError, did_you_mean
from turnwise.model import Model, Request, Sample, Usage
from turnwise.models.wrapper import StatefulWrapper, Wrapper, fitting


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model costs, in money for a million tokens."""

    input: float
    output: float
    cached: float | None = None
    """Input that the provider read from its cache; as `input` where it says nothing else."""

    def of(self, usage: Usage) -> float:
        """The money for one call."""
        cached = self.input if self.cached is None else self.cached
        fresh = usage.input - usage.cached
        return (fresh * self.input + usage.cached * cached + usage.output * self.output) / 1e6


def priced(model: Model, prices: Mapping[str, Any]) -> Model:
    """`model`, its usage with the cost filled in; `model` itself where the table does not know it.

    Args:
        model: Any model.
        prices: By name, or by pattern (`openai/gpt-4o*`): `input`, `output` and perhaps `cached`. The name
            itself goes before patterns, the longest pattern before others.

    Raises:
        ConfigError: naming the first place of the table that cannot be used.
    """
    table = {pattern: _price(pattern, raw) for pattern, raw in prices.items()}
    matching = [pattern for pattern in table if pattern == model.name or fnmatchcase(model.name, pattern)]
    if not matching:
        return model
    best = max(matching, key=lambda pattern: (pattern == model.name, len(pattern)))
    return fitting(model, _Priced, _StatefulPriced)(model, table[best])


class _Priced(Wrapper):
    def __init__(self, model: Model, price: Price) -> None:
        super().__init__(model)
        self.price = price

    async def sample(self, request: Request) -> Sample:
        sample = await self.model.sample(request)
        if sample.usage is None:
            return sample
        usage = msgspec.structs.replace(sample.usage, cost=self.price.of(sample.usage))
        return msgspec.structs.replace(sample, usage=usage)


class _StatefulPriced(_Priced, StatefulWrapper):
    pass


def _price(pattern: str, raw: Any) -> Price:
    place = f"prices.{pattern!r}"
    known = [field.name for field in msgspec.structs.fields(Price)]
    if isinstance(raw, Mapping):
        for key in raw:  # pyright: ignore[reportUnknownVariableType]
            if key not in known:
                near = did_you_mean(str(key), known)  # pyright: ignore[reportUnknownArgumentType]
                raise ConfigError(f"{place}: unknown key {key!r}{near}; expected input, output and cached")
    try:
        price = msgspec.convert(raw, Price)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at ")
        key = re.sub(r"^`\$(.*)`$", r"\1", where)
        raise ConfigError(f"{place}{key}: {reason[0].lower()}{reason[1:]}") from None
    for key in known:
        value = getattr(price, key)
        if value is not None and not 0 <= value < math.inf:
            raise ConfigError(f"{place}.{key}: expected a price of at least 0, got {value!r}")
    return price
