"""CRMArena-Pro (Huang et al. 2025, arXiv 2505.18878): business questions about a Salesforce organisation.

An agent answers by SOQL and SOSL, in one turn or in a conversation with somebody who tells bit by bit what
is wanted; some of what is asked must be refused. The organisations, one that sells to companies and one that
sells to people, are made here (`made/`), and so are the questions (`questions/`); `soql/` has the query
languages.
"""

from turnwise.environments.service.crmarena_pro.environment import CrmArenaPro, CrmArenaProInteractive
from turnwise.environments.service.crmarena_pro.grading import Report, report
from turnwise.environments.service.crmarena_pro.rows import CONFIDENTIAL, KINDS, CrmTask

__all__ = ["CONFIDENTIAL", "KINDS", "CrmArenaPro", "CrmArenaProInteractive", "CrmTask", "Report", "report"]
