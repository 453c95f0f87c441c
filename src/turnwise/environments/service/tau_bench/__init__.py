"""tau-bench (Yao et al. 2024, arXiv 2406.12045) and tau2-bench (Barres et al. 2025, arXiv 2506.07982).

A customer with a private instruction, an agent with a policy and tools, a database that shows in the end
whether it was done. `retail` and `airline` are the desks; `conversation` has the rules, `environment` the
grading. A phone world of our own (`phone`) shows dual control, where the customer has tools, too.
"""

from turnwise.environments.service.tau_bench.environment import TauAirline, TauRetail
from turnwise.environments.service.tau_bench.phone_tasks import PhoneTask
from turnwise.environments.service.tau_bench.phone_world import TauPhone
from turnwise.environments.service.tau_bench.rows import Action, TauTask

__all__ = ["Action", "PhoneTask", "TauAirline", "TauPhone", "TauRetail", "TauTask"]
