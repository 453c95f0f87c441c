"""What the tests of this checkout need, and what is left out where it is missing."""

import importlib.util

# MINT runs model-written code, so its environment imports only once the sandbox has a session to run it in.
WITHOUT_SANDBOX = ["environments/test_mint.py", "environments/test_mint_logs.py"]
_has_session = importlib.util.find_spec("turnwise.tools.sandbox.session") is not None
collect_ignore = [] if _has_session else WITHOUT_SANDBOX


def pytest_report_header() -> str | None:
    """Say what was left out."""
    return None if _has_session else f"left out until the sandbox has a session: {', '.join(WITHOUT_SANDBOX)}"
