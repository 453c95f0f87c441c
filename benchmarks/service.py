"""Service worlds: all retail tasks of tau-bench under the oracle, beside the published environment.

    git clone https://github.com/sierra-research/tau-bench $TURNWISE_PEERS/tau
    TURNWISE_DATA=… TURNWISE_PEERS=… python service.py [TIMES]

`TURNWISE_DATA` holds `tau_bench/retail/` with the published tables, `tasks_test.py` and `wiki.md`, and
`tau2/retail/`. Without the checkout, the peer is left out.
"""

from __future__ import annotations

import sys

from common import child, median, repeat, save


def main(times: int) -> None:
    """Measure in turn; save medians."""
    rows = repeat(
        times,
        {
            name: lambda name=name: child(sys.executable, "service_tau.py", name)
            for name in ("ours", "peer", "fork")
        },
    )
    found = {name: {key: median(many, key) for key in many[0]} for name, many in rows.items()}
    result: dict[str, object] = {"tau_retail": found}
    if "ours" in found and "peer" in found:
        result["times_faster"] = found["ours"]["tasks_per_s"] / found["peer"]["tasks_per_s"]
    save("service", result)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
