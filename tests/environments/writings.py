"""How calls are written into words, in the worlds of the service room that read them there."""

from __future__ import annotations

import json
import random

from prodder import Writing

from turnwise.environment import Environment
from turnwise.environments.service.bfcl import Bfcl
from turnwise.environments.service.crmarena_pro.crm import QueryTool
from turnwise.environments.service.crmarena_pro.environment import CrmArena

LISTS = ("{}", "[{}]", "[{}]", "[{0}, {0}]", "```python\n[{}]\n```", "I call [{}]")
QUERIES = (
    "{}",
    "SELECT Id, {} FROM Case",
    "SELECT Id FROM {} LIMIT 3",
    "SELECT Id FROM Case WHERE Subject = '{}'",
    "SELECT Id FROM Case WHERE CreatedDate > {}",
    "SELECT COUNT(Id), OwnerId FROM Case GROUP BY OwnerId HAVING COUNT(Id) > {}",
    "SELECT Id FROM Contact WHERE AccountId IN (SELECT Id FROM Account WHERE Name LIKE '%{}%')",
    "SELECT Id FROM Lead ORDER BY {} DESC",
    "FIND {{}} IN ALL FIELDS RETURNING Knowledge__kav(Id, Title)",
)
"""SOQL and SOSL around what was drawn."""
TAGS = (
    "<execute> {} </execute>",
    "<execute>```soql\n{}```</execute>",
    "<execute>{}</execute><respond>x</respond>",
)


def writing(environment: Environment) -> Writing | None:
    """How calls are written in an environment; None where it offers tools."""
    if isinstance(environment, Bfcl) and environment.calls == "text":
        return Writing(lambda task: [tool.spec for tool in environment.shelf(task).tools], as_python)
    if isinstance(environment, CrmArena) and environment.actions != "tools":
        return Writing(lambda _: [QueryTool.spec], as_query)
    return None


def as_python(name: str, arguments: str, rng: random.Random) -> str:
    """A call as BFCL reads it; arguments that are no JSON stand within the brackets as they are."""
    given = read(arguments)
    if isinstance(given, dict):
        arguments = ", ".join(f"{key}={value!r}" for key, value in given.items())
    return rng.choice(LISTS).format(f"{rng.choice(('', 'Api.'))}{name}({arguments})")


def as_query(name: str, arguments: str, rng: random.Random) -> str:
    """A query as CRMArena-Pro reads it, or now and then words to the user."""
    given = read(arguments)
    drawn = str(given.get(name, given)) if isinstance(given, dict) else arguments
    thought = rng.choice(("", "<thought> Hm. </thought> ", "<thought> Hm. "))
    if rng.random() < 0.05:
        return f"{thought}<respond> {drawn} </respond>"
    return thought + rng.choice(TAGS).replace("{}", rng.choice(QUERIES).replace("{}", drawn))


def read(arguments: str) -> object:
    """Arguments as JSON; None where they are none."""
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return None
