"""What the viewer's tests share: a store, and a server of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from house import House
    from served import Client

_MISSING = "the viewer is not installed; get it by: pip install 'turnwise[view]'"


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A store of real runs."""
    from house import built

    return built(tmp_path_factory.mktemp("view") / "house.db")


@pytest.fixture(scope="session")
def client(house: House) -> Iterator[Client]:
    """A client of a server that really listens."""
    pytest.importorskip("uvicorn", reason=_MISSING)
    from served import serving

    with serving(house.place) as found:
        yield found
