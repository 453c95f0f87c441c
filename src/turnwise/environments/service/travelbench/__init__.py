"""TravelBench: travel requests over cached tools, rated by a judge; abstention where they cannot be met.

The protocol is that of the official repository (github.com/small-xiangcheng/TravelBench; code MIT, data
CC BY-NC 4.0). `environment` has the three subtasks, `tools` the ten tools over a `country` made here,
`scoring` the arithmetic, `load` the published rows.
"""

from turnwise.environments.service.travelbench.environment import TravelMulti, TravelSingle, TravelUnsolvable
from turnwise.environments.service.travelbench.rows import ToolUse, TravelTask

__all__ = ["ToolUse", "TravelMulti", "TravelSingle", "TravelTask", "TravelUnsolvable"]
