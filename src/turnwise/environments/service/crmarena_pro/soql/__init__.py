"""A subset of SOQL and SOSL, Salesforce's query languages, over SQLite.

`lexer` and `parser` read a query into a `tree`, `catalog` says what objects and fields there are,
`translate` makes SQL of the two (`scope` its fields and joins, `where` its conditions, `dates` the moments
that they name), `sosl` does it for searches, and `shape` makes records of the rows that come of it. Whatever
a text is, the only error is `SoqlError`: one line that begins with Salesforce's code for it.
"""

from turnwise.environments.service.crmarena_pro.soql.catalog import Catalog, Field, Sort, Table
from turnwise.environments.service.crmarena_pro.soql.errors import SoqlError
from turnwise.environments.service.crmarena_pro.soql.parser import parse
from turnwise.environments.service.crmarena_pro.soql.sosl import Search, is_search, search
from turnwise.environments.service.crmarena_pro.soql.translate import Plan, translate

__all__ = [
    "Catalog",
    "Field",
    "Plan",
    "Search",
    "SoqlError",
    "Sort",
    "Table",
    "is_search",
    "parse",
    "search",
    "translate",
]
