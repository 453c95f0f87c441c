"""The service as an environment: this folder, and the tools of `tools.py`."""

from pathlib import Path

from turnwise.environments.service.suite import Service

from .tools import LanternDesk


class Lantern(Service, kw_only=True, frozen=True):
    """Serve the customers of a bookshop by mail: orders looked up, changed and cancelled."""

    folder = Path(__file__).parent
    desk_type = LanternDesk
