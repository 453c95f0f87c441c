"""SOQL, read into a tree.

    SELECT terms FROM object [alias] [WHERE condition] [GROUP BY terms [HAVING condition]]
    [ORDER BY term [ASC|DESC] [NULLS FIRST|LAST], ...] [LIMIT n] [OFFSET n] [FOR VIEW|REFERENCE]

Terms are fields by way of relationships, functions of one, `FIELDS(ALL)`, and in a SELECT queries over what
refers to the object. AND and OR are not mixed without parentheses, as in Salesforce. What SOQL has besides
(TYPEOF, USING SCOPE, WITH, ROLLUP, currency and geolocation) is refused by name.
"""

from __future__ import annotations

from turnwise.environments.service.crmarena_pro.soql import dates
from turnwise.environments.service.crmarena_pro.soql.errors import malformed
from turnwise.environments.service.crmarena_pro.soql.lexer import Token, tokens
from turnwise.environments.service.crmarena_pro.soql.tree import (
    AllFields,
    Both,
    Call,
    Comparison,
    Condition,
    Day,
    Item,
    Moment,
    Not,
    Null,
    Number,
    Operator,
    Order,
    Path,
    Query,
    Several,
    Span,
    Term,
    Text,
    Truth,
    Value,
)

DEPTH = 40
"""Most parentheses and queries within each other."""
MOST_ROWS = 1 << 31
_OPERATORS: dict[str, Operator] = {
    "=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
}  # fmt: skip
_CLAUSES = frozenset(
    ("WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "WITH", "USING", "ALL", "UPDATE")
)
_UNSUPPORTED = {
    "WITH": "WITH is not supported: filter in WHERE",
    "USING": "USING SCOPE is not supported: filter in WHERE",
    "UPDATE": "UPDATE is not supported",
    "ALL": "ALL ROWS is not supported: nothing is deleted",
}


def parse(query: str) -> Query:
    """A whole query.

    Raises:
        SoqlError: it is none, or goes beyond the subset.
    """
    reader = Reader(tokens(query))
    found = reader.query()
    reader.expect_end()
    return found


class Reader:
    """Goes through tokens; SOSL reads its parts with it, too."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0

    # Tokens --------------------------------------------------------------------------------------------

    @property
    def token(self) -> Token:
        """The next one."""
        return self._tokens[self._at]

    def take(self) -> Token:
        """The next one, and go on."""
        token = self._tokens[self._at]
        self._at += token.kind != "end"
        return token

    def is_word(self, *words: str) -> bool:
        """Whether these words come next."""
        ahead = self._tokens[self._at : self._at + len(words)]
        return len(ahead) == len(words) and all(
            token.kind == "name" and token.value.upper() == word
            for token, word in zip(ahead, words, strict=True)
        )

    def accept(self, *words: str) -> bool:
        """Take these words, where they come next."""
        found = self.is_word(*words)
        self._at += len(words) * found
        return found

    def is_mark(self, mark: str) -> bool:
        """Whether this mark comes next."""
        return self.token.kind == "mark" and self.token.value == mark

    def accept_mark(self, mark: str) -> bool:
        """Take this mark, where it comes next."""
        found = self.is_mark(mark)
        self._at += found
        return found

    def expect(self, *words: str) -> None:
        """Take these words.

        Raises:
            SoqlError: something else comes.
        """
        if not self.accept(*words):
            raise self.unexpected(" ".join(words))

    def expect_mark(self, mark: str) -> None:
        """Take this mark.

        Raises:
            SoqlError: something else comes.
        """
        if not self.accept_mark(mark):
            raise self.unexpected(f"'{mark}'")

    def expect_end(self) -> None:
        """Nothing more.

        Raises:
            SoqlError: there is.
        """
        word = self.token.value.upper()
        if word in _UNSUPPORTED:
            raise malformed(_UNSUPPORTED[word])
        if self.token.kind != "end":
            raise self.unexpected("the end of the query")

    def unexpected(self, wanted: str) -> Exception:
        """The error that something else was expected."""
        token = self.token
        return malformed(f"unexpected token: '{token.shown}' at column {token.place + 1}, expected {wanted}")

    def name(self, what: str) -> str:
        """A name without dots.

        Raises:
            SoqlError: something else comes.
        """
        if self.token.kind != "name" or "." in self.token.value:
            raise self.unexpected(what)
        return self.take().value

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEPTH:
            raise malformed(f"more than {DEPTH} parentheses and queries within each other")

    # Queries -------------------------------------------------------------------------------------------

    def query(self) -> Query:
        """From SELECT on."""
        self._deeper()
        self.expect("SELECT")
        select = [self._selected()]
        while self.accept_mark(","):
            select.append(self._selected())
        self.expect("FROM")
        table = self.name("the name of an object")
        alias = None
        if self.accept("AS") or (self.token.kind == "name" and self.token.value.upper() not in _CLAUSES):
            alias = self.name("an alias")
        if self.is_mark(","):
            raise malformed("only one object can stand in FROM: use relationships, as in Account.Name")
        where, group, having, order, limit, offset = self._clauses()
        self._depth -= 1
        return Query(tuple(select), table, alias, where, group, having, order, limit, offset)

    def _clauses(
        self,
    ) -> tuple[
        Condition | None,
        tuple[Term, ...],
        Condition | None,
        tuple[Order, ...],
        int | None,
        int | None,
    ]:
        where = self.condition() if self.accept("WHERE") else None
        group = self._grouped() if self.accept("GROUP", "BY") else ()
        having = self.condition() if self.accept("HAVING") else None
        order = self.ordered() if self.accept("ORDER", "BY") else ()
        limit = self.count() if self.accept("LIMIT") else None
        offset = self.count() if self.accept("OFFSET") else None
        if self.accept("FOR") and not (self.accept("VIEW") or self.accept("REFERENCE")):
            raise self.unexpected("VIEW or REFERENCE")
        return where, group, having, order, limit, offset

    def _selected(self) -> Item | AllFields | Query:
        if self.accept_mark("("):
            inner = self.query()
            self.expect_mark(")")
            return inner
        if self.is_word("TYPEOF"):
            raise malformed("TYPEOF is not supported: ask for fields by name")
        if self.token.value == "*":
            raise malformed("'*' is no field: name the fields, or use FIELDS(ALL) with LIMIT 200")
        term = self.term()
        if isinstance(term, Call) and term.name == "FIELDS":
            which = term.path.parts[0].upper() if term.path else ""
            if which not in ("ALL", "STANDARD", "CUSTOM"):
                raise malformed("FIELDS takes ALL, STANDARD or CUSTOM")
            return AllFields(which)
        alias = None
        if self.accept("AS") or (self.token.kind == "name" and not self.is_word("FROM")):
            alias = self.name("an alias or FROM")
        return Item(term, alias)

    def term(self) -> Term:
        """A field, or a function of one."""
        if self.token.kind != "name":
            raise self.unexpected("a field")
        name = self.take().value
        if not self.accept_mark("("):
            return Path(tuple(name.split(".")))
        if self.accept_mark(")"):
            return Call(name.upper(), None)
        if self.token.kind != "name":
            raise self.unexpected("a field")
        inner = self.take().value
        if self.is_mark("("):
            raise malformed(f"a function of a function is not supported: {name[:40]}({inner[:40]}(…))")
        self.expect_mark(")")
        return Call(name.upper(), Path(tuple(inner.split("."))))

    def _grouped(self) -> tuple[Term, ...]:
        if self.is_word("ROLLUP") or self.is_word("CUBE"):
            raise malformed("GROUP BY ROLLUP and CUBE are not supported: group by fields")
        terms = [self.term()]
        while self.accept_mark(","):
            terms.append(self.term())
        return tuple(terms)

    def ordered(self) -> tuple[Order, ...]:
        """What follows ORDER BY."""
        keys = [self._key()]
        while self.accept_mark(","):
            keys.append(self._key())
        return tuple(keys)

    def _key(self) -> Order:
        term = self.term()
        descending = self.accept("DESC")
        if not descending:
            self.accept("ASC")
        last = False
        if self.accept("NULLS"):
            last = self.accept("LAST")
            if not last:
                self.expect("FIRST")
        return Order(term, descending, last)

    def count(self) -> int:
        """A number of rows.

        Raises:
            SoqlError: it is no whole number, or no number of rows.
        """
        text = self.token.value
        if self.token.kind != "number" or not (text.isascii() and text.isdigit()):
            raise self.unexpected("a whole number")
        self.take()
        return min(int(text), MOST_ROWS)

    # Conditions ----------------------------------------------------------------------------------------

    def condition(self) -> Condition:
        """Comparisons joined by AND, or by OR."""
        parts = [self._part()]
        word = "AND" if self.is_word("AND") else "OR"
        while self.accept(word):
            parts.append(self._part())
        if self.is_word("AND") or self.is_word("OR"):
            raise malformed(
                f"unexpected token: '{self.token.value}' at column {self.token.place + 1} "
                "(AND and OR are not mixed without parentheses)"
            )
        return parts[0] if len(parts) == 1 else Both(word, tuple(parts))

    def _part(self) -> Condition:
        self._deeper()
        found = self._plain_part()
        self._depth -= 1
        return found

    def _plain_part(self) -> Condition:
        if self.accept("NOT"):
            return Not(self._part())
        if self.accept_mark("("):
            inner = self.condition()
            self.expect_mark(")")
            return inner
        term = self.term()
        if self.accept("LIKE"):
            return Comparison(term, "LIKE", self._value())
        if self.is_word("INCLUDES") or self.is_word("EXCLUDES"):
            raise malformed("INCLUDES and EXCLUDES are not supported: no field here holds several values")
        if self.accept("NOT", "IN"):
            return Comparison(term, "NOT IN", self._several())
        if self.accept("IN"):
            return Comparison(term, "IN", self._several())
        operator = _OPERATORS.get(self.token.value) if self.token.kind == "mark" else None
        if operator is None:
            raise self.unexpected("a comparison")
        self.take()
        return Comparison(term, operator, self._value())

    def _several(self) -> Several | Query:
        if self.is_mark(":"):
            raise malformed("there are no variables: write the values")
        self.expect_mark("(")
        if self.is_word("SELECT"):
            inner = self.query()
            self.expect_mark(")")
            return inner
        values = [self._value()]
        while self.accept_mark(","):
            values.append(self._value())
        self.expect_mark(")")
        return Several(tuple(values))

    def _value(self) -> Value:
        token = self.token
        if self.is_mark(":"):
            raise malformed("there are no variables: write the values")
        if token.kind not in ("text", "number", "day", "moment", "name"):
            raise self.unexpected("a value")
        self.take()
        if token.kind == "text":
            return Text(token.value)
        if token.kind == "number":
            return Number(token.value)
        if token.kind == "day":
            return Day(dates.day(token.value))
        if token.kind == "moment":
            return Moment(dates.moment(token.value))
        word = token.value.upper()
        if word in ("TRUE", "FALSE"):
            return Truth(word == "TRUE")
        if word == "NULL":
            return Null()
        if not dates.named(word):
            raise malformed(
                f"unexpected token: '{token.shown}' at column {token.place + 1}, expected a value "
                "(texts stand in single quotes)"
            )
        return Span(word, self.count() if self.accept_mark(":") else None)
