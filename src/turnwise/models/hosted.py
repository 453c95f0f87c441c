"""What the models of all vendors share: where they are and who asks, one call, and closing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from turnwise.model import Request, Sample
from turnwise.models.faults import Endpoint
from turnwise.models.options import address_of, headers_of, key_of
from turnwise.models.transport import Client


class HostedOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of every vendor."""

    base_url: str | None = None
    """By default the address in the vendor's environment variable, else the vendor's own."""
    api_key_env: str | None = None
    """Environment variable that holds the key, the vendor's usual one by default; one's own server needs
    none."""
    extra_body: dict[str, Any] = {}
    """Further fields of every request."""
    headers: dict[str, str] = {}
    """Further headers of every request; `$NAME` stands for an environment variable."""


class Access(NamedTuple):
    """Where a model is, and who asks."""

    url: str
    own: bool
    """Whether it is another address than the vendor's."""
    key: str | None
    headers: dict[str, str]
    endpoint: Endpoint


def access(name: str, options: HostedOptions, *, url: str, address: str, keys: Sequence[str]) -> Access:
    """What the options and the environment say of a model's place.

    Args:
        name: The model's name.
        options: Its options.
        url: The vendor's own address.
        address: Environment variable of another one.
        keys: Environment variables of the key.

    Raises:
        ConfigError: an address or a header that cannot be, or a key that is needed and not set.
    """
    own = address_of(name, options.base_url, address)
    key = key_of(name, options.api_key_env, keys, needed=own is None)
    headers, secrets = headers_of(name, options.headers)
    at = own or url
    return Access(at, own is not None, key, headers, Endpoint(name, at, [key, *secrets]))


class Hosted(ABC):
    """A model behind a vendor's API. Each vendor says how to ask and how to read the answer.

    Args:
        vendor: First part of the model's name.
        model: The vendor's name of it.
    """

    remote = True
    _endpoint: Endpoint
    _client: Client

    def __init__(self, vendor: str, model: str) -> None:
        self.model = model
        self.name = f"{vendor}/{model}"

    async def sample(self, request: Request) -> Sample:
        """Answer one request.

        Raises:
            ModelError: of the kinds in `faults`.
        """
        data = self._endpoint.parse(await self._ask(request))
        try:
            return self._read(data, request)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            raise self._endpoint.malformed(f"no message: {data}") from None

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    @abstractmethod
    async def _ask(self, request: Request) -> bytes:
        """The body of the response.

        Raises:
            ModelError: there is none.
        """

    @abstractmethod
    def _read(self, data: dict[str, Any], request: Request) -> Sample:
        """The sample in a response; what is missing or of another type may raise as it comes."""
