"""WILT: the rules, reading and checking guesses that nobody trusts, the game's accounting, and its agents."""

from __future__ import annotations

import ast
import dis
import itertools
import math
import random
import time
from functools import cache
from statistics import mean
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stage import play

from turnwise.environments.games.wilt import Observation, Wilt, WiltTask, transplant
from turnwise.environments.games.wilt.checker import inclusion, inputs, judge, truth
from turnwise.environments.games.wilt.complexity import operators
from turnwise.environments.games.wilt.environment import read_judgment
from turnwise.environments.games.wilt.expression import InvalidLambda, compile_lambda
from turnwise.environments.games.wilt.game import Game
from turnwise.environments.games.wilt.hypotheses import Tracker, space
from turnwise.environments.games.wilt.protocol import kind_of, read_guess, read_test
from turnwise.environments.games.wilt.rules import RULES, rule
from turnwise.errors import TaskError
from turnwise.limits import Limits
from turnwise.log import EpisodeLog, Stop
from turnwise.task import load_tasks

FULL = RULES["full"]

# The rules ------------------------------------------------------------------------------------------------

# One triple each that the rule accepts and one that it rejects, worked by hand from the published list.
EXAMPLES: dict[int, tuple[Any, Any]] = {
    1: ((3, 2, 1), (3, 2, 2)),
    2: ((1, 2, 3), (1, 2, 2)),
    3: ((3, 2, 2), (1, 2, 2)),
    4: ((1, 2, 2), (3, 2, 2)),
    5: ((1, 3, 2), (1, 2, 2)),
    6: ((1, 2, 2), (1, 2, 3)),
    7: ((2, 3, 1), (2, 2, 1)),
    8: ((2, 2, 1), (1, 2, 2)),
    9: ((4, 4, 4), (4, 4, 5)),
    10: ((4, 6, 5), (4, 5, 4)),
    11: ((-1, -2, -3), (-1, 0, -3)),
    12: ((1, 2, 3), (1, 0, 3)),
    13: ((2, 0, -4), (2, 1, 4)),
    14: ((1, 3, 0.5), (1, 2, 3)),
    15: ((1, 2, 3), (1, 3, 2)),
    16: ((2, 3, 6), (2, 6, 3)),
    17: ((1, 3, 2), (1, 2, 3)),
    18: ((2, 6, 3), (2, 3, 6)),
    19: ((3, 1, 2), (1, 2, 3)),
    20: ((6, 2, 3), (2, 3, 6)),
    21: ((3, 3, 1), (1, 3, 3)),
    22: ((1, 3, 3), (3, 1, 2)),
    23: ((3, 1, 3), (3, 1, 2)),
    24: ((1, 1, 3), (3, 1, 2)),
    25: ((3, 1, 1), (1, 2, 3)),
    26: ((3, 2, 1), (1, 2, 3)),
    27: ((1, 2, -3), (1, 2, 3)),
    28: ((0, 2, 3), (1, 2, 3)),
    29: ((1, 2, 3), (1, 2, 4)),
    30: ((1, 2, 4), (1, 2, 3)),
    31: ((1, 2, 3), (1, 3, 5)),
    32: ((1, 3, 5), (1, 2, 3)),
    33: ((1, 3, 2), (1, 2, 3)),
    34: ((-5, 0, 5), (-5, 0, 5.1)),
    35: ((-10, 0, 10), (-10, 0, 11)),
    36: ((-5, 0, -1), (-5, 0, 1)),
    37: ((5, 0, 1), (5, 0, -1)),
    38: ((-2, 2, 0), (-2, 2, 3)),
    39: ((-20, 20, 0), (-20, 21, 0)),
    40: ((3, 4, 5), (3, 5, 4)),
    41: ((3, 5, 4), (3, 4, 5)),
    42: ((5, 3, 4), (3, 4, 5)),
    43: ((6, 3, 2), (6, 3, 7)),
    44: ((6, 3, 7), (6, 3, 2)),
    45: ((6, 3, 5), (6, 3, 7)),
    46: ((2, 3, 5), (2, 3, 4)),
    47: ((4, 9, 0), (4, 8, 0)),
    48: ((0.5, -1.5, 2.1), (0.5, 1.5, 2)),
    49: ((5.1, 0.2, 3.3), (0.1, 0.3, 0.2)),
    50: ((0.1, 0.5, 1.0), (0.1, 0.5, 1.2)),
}


def test_each_rule_accepts_and_rejects_what_its_description_says() -> None:
    assert sorted(EXAMPLES) == list(range(1, 51))
    for number, (accepted, rejected) in EXAMPLES.items():
        assert rule("full", number)(*accepted) is True, number
        assert rule("full", number)(*rejected) is False, number
        as_floats = tuple(map(float, accepted))
        assert rule("full", number)(*as_floats) is True, number


def test_the_ten_light_rules() -> None:
    accepted = [(3, 2, 1), (1, 2, 3), (2, 2, 1), (1, 2, 2), (7, 7, 7), (1, 3, 2)]
    accepted += [(-1, -5, -2), (1, 2, 3), (2, 3, 6), (1, 3, 2)]
    rejected = [(1, 2, 3), (3, 2, 1), (1, 2, 2), (2, 2, 1), (7, 7, 1), (1, 3, 1)]
    rejected += [(-1, 5, -2), (1, 3, 2), (2, 6, 3), (1, 2, 3)]
    assert len(RULES["lite"]) == 10
    for number, (yes, no) in enumerate(zip(accepted, rejected, strict=True), start=1):
        assert rule("lite", number)(*yes) is True
        assert rule("lite", number)(*no) is False


def test_the_checkers_inputs_are_the_published_ones() -> None:
    triples = inputs()
    assert len(triples) == 5000 + 5000 + 41**3 + 10
    wide, narrow, grid, special = triples[:5000], triples[5000:10000], triples[10000:-10], triples[-10:]
    assert max(map(abs, itertools.chain(*wide))) > 199
    assert 2.99 < max(map(abs, itertools.chain(*narrow))) < 3
    assert set(grid) == set(itertools.product(range(-20, 21), repeat=3))
    assert {type(number) for number in itertools.chain(*grid)} == {int}
    assert special[0] == (0.1, 0.2, 0.3)
    assert special[-1] == (3.9, 4.2, 4.8)


def test_the_checker_tells_all_fifty_rules_apart() -> None:
    assert len({truth(source) for source in FULL}) == 50


# Expressions ----------------------------------------------------------------------------------------------

HARMLESS = [
    "lambda a, b, c: a < b < c",
    "lambda x, y, z, eps=1e-9: abs(x - y) < eps or z >= -eps",
    "lambda *n: len(set(n)) == 3 and n[0] == min(n)",
    "lambda x, y, z: all(v % 2 == 0 for v in (x, y, z))",
    "lambda x, y, z: all(math.gcd(int(a), int(b)) == 1 for a, b in itertools.combinations((x, y, z), 2))",
    "lambda x, y, z: (lambda s: s[0] < s[1] < s[-1])(sorted([x, y, z]))",
    "lambda x, y, z: (lambda a, b, c: a + b == c)(*sorted([x, y, z]))",
    "lambda x, y, z: max([x, y, z], key=lambda v: -v) == min(x, y, z)",
    "lambda x, y, z: all(map(lambda n: n > 0, [x, y, z])) or any(filter(None, (x, y)))",
    "lambda x, y, z: isinstance(x, (int, float)) and type(y) in (int, float) and float(z).is_integer()",
    "lambda x, y, z: [x, y, z][::-1] == sorted((x, y, z), reverse=True) if x != z else not y",
    "lambda x, y, z: int(x) & int(y) | ~int(z) ^ 5 << 2 >> 1",
    "lambda x, y, z: round(x ** 2, 3) == round(y // 2 % 7, 3) or -z / 2 == +x",
    "lambda x, y, z: sum(d for d in range(1, 30) if int(x) % d == 0) == abs(int(x)) * 2",
    "lambda x, y, z: math.sqrt(abs(x)) <= math.pi * math.hypot(y, z) and math.isclose(x, y, rel_tol=0.5)",
    "lambda x, y, z: x in {y, z} or (x, y) == (y, z) or x not in [1, 2, 3]",
    "lambda x, y, z: len({*(x, y), *[z]}) < 3 and dict is None if False else True",
    "lambda x, y, z: [a * b for a in (x, y) for b in (y, z) if a < b] != list(zip((x, y), (y, z)))",
]


@pytest.mark.parametrize("source", [source for source in HARMLESS if "dict" not in source])
def test_a_compiled_lambda_computes_what_python_computes(source: str) -> None:
    function = compile_lambda(source)
    plain = eval(source, {"math": math, "itertools": itertools})
    for triple in [(1, 2, 3), (3.0, 2.0, 1.0), (0, 0, 0), (-1.5, 2.25, 100), (4, 4, 9), (6, 28, 2)]:
        assert function(*triple) == plain(*triple), triple


ATTACKS = [
    "().__class__.__base__.__subclasses__()",
    "x.__class__",
    "(x).real",
    "[].append(1)",
    "__import__('os').system('true')",
    "exec('1')",
    "eval('1')",
    "open('/etc/passwd')",
    "getattr(x, '__class__')",
    "globals()",
    "vars()",
    "print(x)",
    "math.__loader__",
    "math.__dict__",
    "itertools.count()",
    "itertools.repeat(x)",
    "itertools",
    "os",
    "self.rule",
    "TESTS_FULL",
    "f'{x.__class__}'",
    "'{0.__class__}'.format(x)",
    "'%s' % x",
    "b'x'",
    "(q := x)",
    "(yield x)",
    "(lambda: (yield x))()",
    "[0 for x.y in (1,)]",
    "[0 for x[0] in (1,)]",
    "[0 for (a, (b, c)) in ()]",
    "{1: 2}",
    "{a: a for a in (x,)}",
    "sorted((x,), **{})",
    "(lambda **k: k)()",
    "(lambda *, k=1: k)()",
    "(lambda f: f(f))(lambda f: f(f))",
    "(lambda abs: abs(x))(min)",
    "(abs if x else min)(x)",
    "[abs][0](x)",
    "x()",
    "1(2)",
    "...",
    "1j",
    "x @ y",
    "__builtins__",
    "__name__",
    "type(type(x))",
    "type(lambda: 0)",
    "type((x,))",
    "isinstance(x, list)",
    "map(type((1,)), ((1,),))",
    "(lambda __x: __x)(1)",
    "hold!(x)",
]


@pytest.mark.parametrize("body", ATTACKS)
def test_nothing_but_the_language_of_rules_can_be_reached(body: str) -> None:
    judged = judge(FULL[0], f"lambda x, y, z: {body}")
    assert judged.outcome == "invalid", judged
    assert judged.why
    assert "\n" not in judged.why


DOUBLING = " for a in (x,)" + "".join(
    f" for {b} in (({a}, {a}),)" for a, b in itertools.pairwise("abcdefghij")
)
# A name that is a number at first and, in later rounds of the outer loop, what an inner loop left behind.
REBOUND = "len([0 for y in range(60) for w in ((x + x,) if y else ((1, 1),)) for x in (w,)])"
BOMBS = [
    "9**9**9",
    "9**9**9 > x",
    "(9**300)**300",
    "2**(2**(2**x))",
    "1 << 10**10",
    "1 << (1 << 40)",
    "[0] * 10**10",
    "10**10 * [0]",
    "(x,) * 300",
    "sum(range(10**12))",
    "list(range(10**20))",
    "max(range(-10**30, 10**30))",
    "math.factorial(10**8)",
    "math.comb(10**6, 10**5)",
    "math.perm(10**6)",
    "math.prod(range(1, 1000))",
    "math.lcm(*range(1, 1000))",
    "round(5, -10**9)",
    "any(a + b + c < 0 for a in range(999) for b in range(999) for c in range(999))",
    "[a for a in range(999) for b in range(999)]",
    "sum(a for a in range(99) for b in range(99) for c in range(99)) > x",
    "set(itertools.permutations(range(20)))",
    "list(itertools.product(range(99), repeat=7))",
    "list(itertools.product(range(9), repeat=10**6))",
    "len(list(map(lambda a: [a] * 250, range(250))))",
    "(lambda a: a + a)((lambda a: a + a)((lambda a: a + a)([x] * 200)))",
    f"hash([j{DOUBLING}])",
    f"{{j{DOUBLING}}}",
    f"[j{DOUBLING}] == [j{DOUBLING}]",
    REBOUND,
    "sum([[0] * 200 for a in range(200)], [])",
    "pow(7, 10**9)",
    "pow(3, 10**9, 7)",
    "x" + " + x" * 2000,
    "-" * 1900 + "x",
    "(" * 900 + "x" + ")" * 900,
    "[" * 50 + "x" + "]" * 50,
    "not " * 400 + "x",
    "0x" + "f" * 1900,
    "1" * 1990,
    "x if x else " * 100 + "x",
    "(lambda: " * 60 + "x" + ")()" * 60,
]


@pytest.mark.parametrize("body", BOMBS, ids=range(len(BOMBS)))
def test_no_expression_blows_up(body: str) -> None:
    start = time.perf_counter()
    judged = judge(FULL[0], f"lambda x, y, z: {body}")
    assert judged.outcome == "invalid", judged
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    "slow",
    [
        "sum(i for i in range(1000))",
        "[i for i in range(250)] == [i for i in range(250)]",
        "sum(sum(range(j)) for j in range(100))",
    ],
)
def test_a_right_but_needlessly_slow_guess_runs_out_of_work(slow: str) -> None:
    start = time.perf_counter()
    judged = judge(FULL[0], f"lambda x, y, z: x > y > z if {slow} is not None else 0")
    assert judged.outcome == "invalid"
    assert "too much work" in judged.why
    assert time.perf_counter() - start < 20


@given(st.text(max_size=300))
@example("lambda x, y, z: \x00")
@example("lambda x, y, z: \ud800")
def test_any_text_is_a_function_or_a_clear_refusal(text: str) -> None:
    for source in (text, f"lambda x, y, z: {text}"):
        try:
            compile_lambda(source)
        except InvalidLambda as refusal:
            said = str(refusal)
        else:
            continue
        assert said
        assert "\n" not in said


# Random expressions over numbers: what is compiled must be what Python computes, exceptions included.
numbers = st.sampled_from(["x", "y", "z", "0", "1", "2", "3", "0.5", "-7", "True", "math.pi"])
binary = st.sampled_from(
    [
        *("+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>"),
        *("<", "<=", "==", "!=", ">", "and", "or"),
    ]
)
unary = st.sampled_from(
    ["-", "+", "~", "not ", "abs", "int", "float", "bool", "round", "math.floor", "math.sqrt"]
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, binary, inner).map(" ".join).map("({})".format),
        st.tuples(unary, inner).map(lambda pair: f"({pair[0]}({pair[1]}))"),
        st.tuples(inner, inner, inner).map(lambda three: "({} if {} else {})".format(*three)),
        st.tuples(st.sampled_from(["max", "min"]), inner, inner).map(lambda call: "{}({}, {})".format(*call)),
        st.tuples(st.sampled_from(["all", "any", "sum", "sorted", "len"]), inner, inner).map(
            lambda call: "{}([{}, {}])".format(*call)
        ),
        st.tuples(inner, inner).map(lambda two: "sum(v + {} for v in (x, y, {}) if v)".format(*two)),
        st.tuples(inner, inner).map(lambda two: "({0} in ({1}, x)) + ([{0}, {1}][0] == z)".format(*two)),
    )


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(numbers, _larger, max_leaves=8), st.tuples(*[st.sampled_from([0, 1, 2, -3, 2.5, 11])] * 3)
)
def test_random_expressions_mean_what_they_mean_in_python(body: str, triple: Any) -> None:
    source = f"lambda x, y, z: {body}"
    try:
        function = compile_lambda(source)
    except InvalidLambda:
        assert len(body) > 80  # too deep
        return
    guarded = outcome(function, triple)
    if guarded != "TooMuch" and "**" not in body and "<<" not in body:
        assert guarded == outcome(eval(source, {"math": math}), triple)


def outcome(function: Any, triple: Any) -> Any:
    """The value (told apart by type), or the name of the exception."""
    try:
        return repr(function(*triple))
    except Exception as error:
        return type(error).__name__


@settings(max_examples=200, deadline=None)
@given(
    st.randoms(use_true_random=False),
    st.sampled_from(HARMLESS + [f"lambda x, y, z: {body}" for body in ATTACKS]),
)
def test_mutated_sources_reach_nothing_and_never_hang(rng: random.Random, source: str) -> None:
    pieces = [
        "x",
        ".",
        "__class__",
        "(",
        ")",
        "[",
        "]",
        "**",
        "9",
        "lambda",
        ":",
        "for",
        "in",
        "abs",
        "*",
        ",",
    ]
    at = rng.randrange(len(source))
    mutated = source[:at] + rng.choice(pieces) + source[at + rng.randrange(3) :]
    judged = judge(FULL[0], mutated)
    if judged.outcome != "invalid":
        named = {
            node.attr for node in ast.walk(ast.parse(mutated.strip())) if isinstance(node, ast.Attribute)
        }
        assert not any(name.startswith("_") for name in named)


@settings(max_examples=200, deadline=None)
@given(
    st.randoms(use_true_random=False),
    st.sampled_from([*HARMLESS, *(f"lambda x, y, z: {b}" for b in BOMBS[:36])]),
)
def test_compiled_code_loads_no_attribute_and_no_unknown_name(rng: random.Random, source: str) -> None:
    words = source.replace(".", " . ").replace("(", " ( ").replace(")", " ) ").split(" ")
    words[rng.randrange(1, len(words))] = rng.choice(
        ["x", "y", "abs", "math", "type", "(x, y)", "z . __class__", ""]
    )
    try:
        function = compile_lambda(" ".join(words))._function  # pyright: ignore
    except InvalidLambda:
        return
    known = set(function.__globals__) - {"__builtins__"}
    assert function.__globals__["__builtins__"] == {}
    codes = [function.__code__]
    for code in codes:
        codes += [constant for constant in code.co_consts if hasattr(constant, "co_code")]
        for step in dis.get_instructions(code):
            assert not any(word in step.opname for word in ("ATTR", "METHOD", "IMPORT", "STORE_GLOBAL"))
            if step.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
                assert step.argval in known


def test_is_integer_means_the_same_of_integers_on_every_python() -> None:
    assert compile_lambda("lambda x, y, z: x.is_integer()")(3, 0, 0) is True
    assert compile_lambda("lambda x, y, z: x.is_integer()")(3.5, 0, 0) is False


# The checker ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "guess", "expected"),
    [
        (2, "lambda x, y, z: x < y < z", "correct"),
        (2, "lambda a, b, c: c > b and not b <= a", "correct"),
        (2, "lambda x, y, z: x <= y <= z", "different"),
        (2, "lambda x, y, z: 1 if x < y < z else 0", "correct"),  # 1 == True, as in the official checker
        (2, "lambda x, y, z: 2 if x < y < z else 0", "different"),
        (2, "lambda x, y: x < y", "invalid"),
        (2, "x < y < z", "invalid"),
        (2, "lambda x, y, z: x < y < z if 1 / (x - y) else 0", "invalid"),  # right up to the first tie
        (10, "lambda x, y, z: len({x, y, z}) == 3", "correct"),
        (23, "lambda x, y, z: z >= x and z >= y", "correct"),
        (40, "lambda x, y, z: z * z == x * x + y * y", "correct"),
        (46, "lambda x, y, z: x == int(x) and math.gcd(int(x), int(y)) == 1", "different"),
        (50, "lambda x, y, z: x < y < z and z - x <= 1", "correct"),
        (50, "lambda x, y, z: x < y < z and z - x < 1", "different"),  # only (0, 0.5, 1) and its like tell
    ],
)
def test_a_guess_is_right_when_it_agrees_everywhere(number: int, guess: str, expected: str) -> None:
    assert judge(FULL[number - 1], guess).outcome == expected


def test_set_inclusion_is_the_ratio_of_the_sets_where_one_contains_the_other() -> None:
    # On the grid 41 over 3 falling triples are strict, 43 over 3 loose; the draws hold no ties, and of the
    # ten float triples none falls.
    drawn = sum(x > y > z for x, y, z in inputs()[:10000])
    strict, loose = math.comb(41, 3) + drawn, math.comb(43, 3) + drawn
    assert inclusion(FULL[0], FULL[2]) == pytest.approx(loose / strict)
    assert inclusion(FULL[2], FULL[0]) == pytest.approx(strict / loose)
    assert inclusion(FULL[0], FULL[0]) == 1
    assert inclusion(FULL[0], FULL[1]) is None
    assert inclusion(FULL[0], "lambda x, y, z: False") == 0
    assert inclusion(FULL[0], "lambda x, y, z: 1 / x") is None


def test_operators_of_a_guess() -> None:
    source = "lambda x, y, z: not x < y <= -2 and math.floor(z) ** 2 == max(x, y, key=abs)"
    assert operators(source, published=False) == 6  # not, <, <=, and, **, ==
    assert operators(source, published=True) == 9  # and the or of floor, a minus, an equals sign
    assert operators("lambda x: x <", published=False) == 1


# Reading messages -----------------------------------------------------------------------------------------

T, G = "Test Case: ```({})```", "Final Guess: ```{}```"


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Test Case: ```(1, 2, 3)```", (1, 2, 3)),
        ("test case: (-1.5,+2, 1e2)", (-1.5, 2, 100)),
        ("Test Case: (9,9,9)\nTEST CASE: I mean (1, 2, 3) (4, 5, 6)", (1, 2, 3)),
        ("Test Case: ( (1, 2, 3)", "Unable to parse test case."),
        ("Test Case: (1\n2, 3) (1, 2, 3)", (1, 2, 3)),
        ("Test Case: ```(1, 2)```", "Please provide exactly 3 numbers for the test case."),
        ("Test Case: ```(a, b, c)```", "Unable to parse test case."),
        ("Test Case: ```()```", "Unable to parse test case."),
    ],
)
def test_reading_a_test(text: str, expected: object, published: bool) -> None:
    assert read_test(text, published=published) == expected


def test_a_test_without_parentheses_is_told_so() -> None:
    assert "no test case" in str(read_test("Test Case: 1, 2, 3", published=True))


def test_numbers_that_are_none_cannot_be_tested_but_as_published() -> None:
    assert read_test(T.format("inf, 0, 1"), published=True) == (math.inf, 0, 1)
    assert read_test(T.format("inf, 0, 1"), published=False) == "Unable to parse test case."


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Final Guess: ```lambda x, y, z: x```", "lambda x, y, z: x"),
        ("final guess: ```python\nlambda x, y, z: x\n```", "lambda x, y, z: x"),
        ("### Final Guess\n`lambda x, y, z: x`", "lambda x, y, z: x"),
        ("Final Guess: ``lambda x, y, z: x``", "lambda x, y, z: x"),
        ("Final Guess: ```a``` no, Final Guess: ```b```", "b"),
        ("Final Guess: lambda x, y, z: x", None),
        ("Final Guess: ``````", None),
    ],
)
def test_reading_a_guess(text: str, expected: str | None, published: bool) -> None:
    assert read_guess(text, published=published) == expected


def test_what_the_official_reader_misses_is_found_when_corrected() -> None:
    after = "Final Guess: ```lambda x, y, z: x``` That is my final guess."
    assert read_guess(after, published=True) is None
    assert read_guess(after, published=False) == "lambda x, y, z: x"
    marked = "Final Guess: ```py\nlambda x, y, z: x```"
    assert read_guess(marked, published=True) == "py\nlambda x, y, z: x"
    assert read_guess(marked, published=False) == "lambda x, y, z: x"


def test_dispatch_as_published_and_corrected() -> None:
    cases = {
        T.format("1, 2, 3"): ("test", "test"),
        G.format("lambda x, y, z: x"): ("guess", "guess"),
        "Too early for a Final Guess: I go on. " + T.format("1, 2, 3"): ("guess", "test"),
        T.format("1, 2, 3") + " " + G.format("lambda x, y, z: x"): ("guess", "guess"),
        "My final guess is near. " + T.format("1, 2, 3"): ("test", "test"),
        "### Final Guess\n`lambda x, y, z: x`": ("guess", "guess"),
        "Hello": (None, None),
        "": (None, None),
    }
    for text, (published, corrected) in cases.items():
        assert kind_of(text, published=True) == published, text
        assert kind_of(text, published=False) == corrected, text


def test_reading_an_endless_message_takes_no_time() -> None:
    start = time.perf_counter()
    for text in (
        "(" * 500_000,
        "```" + " " * 500_000,
        "Final Guess: " * 50_000,
        "Test Case: " * 50_000 + "(" * 9,
    ):
        for published in (True, False):
            kind_of(text, published=published)
            read_test(text, published=published)
            read_guess(text, published=published)
    assert time.perf_counter() - start < 5


@given(st.text(alphabet=st.sampled_from("final guess:tec TFG`()123,.-\npython"), max_size=80))
def test_no_message_breaks_a_game(text: str) -> None:
    game = new_game()
    for said in (text, f"Test Case: {text}", f"Final Guess: {text}"):
        if game.end is None:
            assert isinstance(game.answer(said), str)


# The game -------------------------------------------------------------------------------------------------


def new_game(number: int = 2, *, limit: int = 30, published: bool = False, tests: int | None = None) -> Game:
    return Game(FULL[number - 1], FULL, limit=limit, tests=tests, published=published)


def test_attempts_remaining_are_off_by_one_as_published() -> None:
    assert (
        new_game(published=True).answer(T.format("1, 2, 3"))
        == "Result for input (1.0, 2.0, 3.0): True. Attempts Remaining: 30"
    )
    game = new_game()
    assert game.answer(T.format("1, 2, 3")).endswith("True. Attempts Remaining: 29")
    assert game.answer(T.format("3, 2, 1")).endswith("False. Attempts Remaining: 28")


def test_only_exact_repetitions_count_as_reused() -> None:
    game = new_game()
    for numbers in ("1, 2, 3", "1.0,2.0, 3", "1, 3, 2", "1, 2, 3"):
        game.answer(T.format(numbers))
    assert (len(game.tests), game.attempts, game.reused) == (4, 4, 2)


@pytest.mark.parametrize("published", [True, False])
def test_one_bad_message_costs_an_attempt_and_a_second_in_a_row_ends_the_game(published: bool) -> None:
    game = new_game(published=published)
    assert "Test Case: ```" in game.answer("What should I do?")
    assert (game.attempts, game.end) == (1, None)
    game.answer(T.format("1, 2, 3"))
    game.answer("Hm.")
    assert game.end is None
    assert game.answer("") == "Aborting."
    assert (game.attempts, game.end, game.points) == (4, "aborted", 0)


@pytest.mark.parametrize("published", [True, False])
def test_unreadable_tests_cost_nothing(published: bool) -> None:
    game = new_game(published=published)
    game.answer(T.format("1, 2"))
    game.answer(T.format("one, two, three"))
    assert (game.attempts, game.end) == (0, None)


def test_a_test_that_the_rule_itself_cannot_take_is_not_counted() -> None:
    game = new_game(40, published=True)
    assert game.answer(T.format("1e200, 0, 0")) == "Unable to parse test case."
    assert (game.attempts, len(game.tests)) == (0, 0)


@pytest.mark.parametrize(("tests", "points"), [(0, 1100), (3, 1090), (15, 1050), (30, 1000)])
def test_points_fall_from_1100_to_1000_with_the_attempts(tests: int, points: float) -> None:
    game = new_game()
    for number in range(tests):
        game.answer(T.format(f"{number}, 0, 1"))
    assert game.answer(G.format("lambda a, b, c: a < b < c")).startswith("Congratulations")
    assert (game.end, game.points) == ("guessed", pytest.approx(points))


def test_a_wrong_or_invalid_guess_scores_nothing_and_ends_the_game() -> None:
    game = new_game()
    said = game.answer(G.format("lambda x, y, z: x <= y <= z"))
    assert said == "Sorry, that is not the rule. The rule was lambda x, y, z: x < y < z. SCORE: 0"
    assert (game.end, game.points) == ("guessed", 0)
    game = new_game()
    assert game.answer(G.format("lambda x, y, z: wat")) == "Invalid lambda function."
    assert (game.end, game.points) == ("guessed", 0)


@pytest.mark.parametrize("published", [True, False])
def test_a_guess_without_backticks_may_be_repeated_once(published: bool) -> None:
    game = new_game(published=published)
    assert "backticks" in game.answer("Final Guess: lambda x, y, z: x < y < z")
    assert (game.attempts, game.end) == (0, None)
    game.answer(G.format(FULL[1]))
    assert game.points == 1100
    game = new_game(published=published)
    game.answer("Final Guess: x")
    assert game.answer("Final Guess: x") == "Aborting."
    assert game.end == "aborted"


def test_no_test_is_answered_after_the_last_attempt() -> None:
    game = new_game(limit=2)
    for _ in range(2):
        game.answer(T.format("1, 2, 3"))
    assert game.answer(T.format("1, 2, 3")) == "Maximum attempts reached. Please make a guess."
    game.answer(G.format(FULL[1]))
    assert game.points == 1000
    game = new_game(limit=2)
    for _ in range(4):
        assert game.end is None
        game.answer(T.format("1, 2, 3"))
    assert game.end == "aborted"


def test_the_published_game_answers_tests_for_ever_but_this_one_ends() -> None:
    game = new_game(limit=2, published=True)
    said: list[str] = []
    while game.end is None:
        said.append(game.answer(T.format("1, 2, 3")))
    assert said[2:] == ["Maximum attempts reached. Please make a guess."] * 10
    assert (game.end, game.attempts) == ("no_guess", 2)


def test_a_bad_message_on_the_last_attempt_ends_the_game() -> None:
    game = new_game(limit=1)
    game.answer(T.format("1, 2, 3"))
    game.answer("Hm.")
    assert (game.end, game.attempts) == ("no_guess", 2)


# The hypothesis tracker -----------------------------------------------------------------------------------


def test_a_test_that_rules_out_little_confirms_a_bias() -> None:
    # Four hypotheses: the threshold is min(0.1, 1 / ln 4) = 0.1, and falls with what is explored.
    tracker = Tracker([FULL[1], FULL[0], FULL[2], FULL[3]])
    assert tracker.threshold == pytest.approx(0.1)
    assert tracker.update((1, 2, 3), True) is False  # rules out both falling orders: 0.5 is more
    assert tracker.explored == 0.5
    assert tracker.threshold == pytest.approx(0.1 * 0.75)
    assert tracker.update((4, 5, 6), True) is True  # rules out nothing
    assert tracker.update((1, 2, 2), True) is False  # rules out the strict order
    assert tracker.explored == 0.75


def test_a_hypothesis_that_cannot_be_computed_stays() -> None:
    tracker = Tracker(["lambda x, y, z: math.exp(x) > 0", FULL[1]])
    tracker.update((1e9, 0, 0), True)
    assert tracker.explored == 0.5


def test_the_space_is_the_rules_and_150_drawn_ones() -> None:
    drawn = space(random.Random(1), published=True)
    assert len(drawn) == 200
    assert tuple(drawn[:50]) == FULL
    assert drawn != space(random.Random(2), published=True)
    distinct = space(random.Random(1), published=False)
    assert len(distinct) == len(set(distinct)) == len(set(drawn)) < 200
    for source in distinct:
        compile_lambda(source)(1.0, 2.0, 3.0)


def test_the_first_test_never_confirms_a_bias() -> None:
    quiet = "1000, 2000, 3000"  # rules out nothing of the two hypotheses below
    for published, expected in ((True, 1), (False, 0)):
        game = Game(FULL[1], [FULL[1], FULL[3]], limit=30, published=published)
        game.answer("Hm.")  # as published, a test after this is no longer the first
        game.answer(T.format(quiet))
        assert game.confirming == expected
        game.answer(T.format(quiet))
        assert game.confirming == expected + 1


# Episodes -------------------------------------------------------------------------------------------------


@cache
def run_all(name: str, *, seed: int = 5, **settings: Any) -> list[Any]:
    environment = Wilt(**settings)
    script = environment.agents()[name]
    return [play(environment, task, agent=script, seed=seed) for task in environment.tasks()]


@pytest.mark.parametrize("variant", ["published", "corrected"])
def test_the_halving_solver_finds_every_rule_in_at_most_six_tests(variant: str) -> None:
    episodes = run_all("solver", variant=variant)
    assert len(episodes) == 50
    assert [episode.score() for episode in episodes] == [1.0] * 50
    tests = [episode.metrics["tests"] for episode in episodes]
    # Of 50 leaves a balanced binary tree has 14 at depth 5 and 36 at depth 6.
    assert (sorted(tests), mean(tests)) == ([5] * 14 + [6] * 36, pytest.approx(5.72))
    assert mean(episode.metrics["points"] for episode in episodes) == pytest.approx(1080.93, abs=0.01)
    assert all(episode.metrics["reused_tests"] == 0 for episode in episodes)
    assert {(episode.stop, episode.detail) for episode in episodes} == {(Stop.COMPLETED, "guessed")}


def test_the_solver_on_the_light_split() -> None:
    episodes = run_all("solver", split="lite")
    assert [episode.score() for episode in episodes] == [1.0] * 10
    assert max(episode.metrics["tests"] for episode in episodes) == 4


@pytest.mark.parametrize("seed", [5, 6])
def test_believing_what_one_tests_fails_wider_and_narrower_rules(seed: int) -> None:
    episodes = run_all("confirmation", seed=seed)
    failed = {episode.task.rule for episode in episodes if episode.score() == 0}
    assert {4, 23, 50} <= failed
    assert 2 not in failed
    solver = run_all("solver", variant="corrected")
    share = mean(e.metrics["confirms_bias"] / e.metrics["tests"] for e in episodes)
    assert share > 1.2 * mean(e.metrics["confirms_bias"] / e.metrics["tests"] for e in solver)


def test_the_random_agent_seldom_guesses_right() -> None:
    environment = Wilt()
    task = next(iter(environment.tasks()))
    script = environment.agents()["random"]
    scores = [play(environment, task, agent=script, seed=seed).score() for seed in range(60)]
    assert mean(score or 0 for score in scores) < 0.2


def test_an_episode_writes_down_its_tests_and_its_guess() -> None:
    def script(task: Any, rng: Any) -> Any:
        yield
        yield "I start. " + T.format("1, 2, 2")
        yield T.format("1, 2, 3")
        yield "So: " + G.format("lambda x, y, z: x <= y <= z and True")

    episode = play(Wilt(), WiltTask(id="a", rule=2), agent=script)
    notes = {note.name: note for note in episode.notes if note.name != "test"}
    tests = [(note.value, note.turn) for note in episode.notes if note.name == "test"]
    assert tests == [
        ({"input": (1.0, 2.0, 2.0), "result": False}, 1),
        ({"input": (1.0, 2.0, 3.0), "result": True}, 3),
    ]
    assert notes["guess"].value["outcome"] == "different"
    assert notes["guess"].value["function"] == "lambda x, y, z: x <= y <= z and True"
    assert notes["guess"].turn == 5
    assert [(reward.value, reward.turn, reward.name) for reward in episode.rewards] == [(0.0, 5, "correct")]
    assert episode.turns[-1].text.startswith("Sorry")
    assert episode.metrics["points"] == 0
    assert episode.metrics["guess_operators"] == 3
    assert episode.metrics["guess_length"] == 36
    assert episode.metrics["set_inclusion"] > 1


def test_running_into_a_limit_scores_nothing() -> None:
    environment = Wilt()
    task = WiltTask(id="a", rule=2)
    episode = play(environment, task, agent=environment.agents()["solver"], limits=Limits(turns=3))
    assert (episode.stop, episode.score()) == (Stop.MAX_TURNS, 0)
    assert episode.metrics["points"] == 0
    assert episode.metrics["tests"] == 3


def test_the_same_seed_gives_the_same_episode() -> None:
    environment = Wilt()
    script = environment.agents()["confirmation"]

    def log(seed: int) -> bytes:
        return play(environment, WiltTask(id="a", rule=50), agent=script, seed=seed).log().to_json()

    assert log(3) == log(3)
    assert log(3) != log(4)


def test_a_judge_says_how_near_a_wrong_guess_came() -> None:
    prompts: list[str] = []

    def judge_script(messages: Any) -> str:
        prompts.append(messages[-1].text)
        assert len(messages) == 1
        return "One of them allows ties. Not Completely Different.\nJudgment: Missing edge case"

    def agent(messages: Any) -> str:
        return G.format("lambda x, y, z: x <= y <= z")

    near = play(Wilt(), WiltTask(id="a", rule=2), agent=agent, judge=judge_script)
    assert near.metrics["approximately_correct"] == 1
    assert next(note.value["label"] for note in near.notes if note.name == "judgment") == "Missing Edge Case"
    assert FULL[1] in prompts[0]
    assert "x <= y <= z" in prompts[0]
    right = play(Wilt(), WiltTask(id="a", rule=4), agent=agent, judge=judge_script)
    assert (right.score(), right.metrics["approximately_correct"]) == (1, 0)  # counted once, and not asked
    assert len(prompts) == 1
    unreadable = play(Wilt(), WiltTask(id="a", rule=2), agent=agent, judge=lambda messages: "No idea")
    assert "approximately_correct" not in unreadable.metrics
    assert near.score() == unreadable.score() == 0


def test_a_judgment_is_the_class_named_last() -> None:
    assert read_judgment("Correct? No.\nJudgment: near-miss magnitudes").label == "Near-Miss Magnitudes"
    assert read_judgment("Judgment: Completely Different").label == "Completely Different"
    assert read_judgment("I cannot say").missing is not None


# Test swap ------------------------------------------------------------------------------------------------


def swap(episodes: list[Any], **settings: Any) -> list[Any]:
    environment = Wilt(**settings)
    solver = environment.agents()["solver"]
    return [play(environment, transplant(episode.log()), agent=solver) for episode in episodes]


def test_good_tests_handed_over_are_enough_and_bad_ones_are_not() -> None:
    assert [episode.score() for episode in swap(run_all("solver", variant="corrected"))] == [1.0] * 50
    believers = run_all("confirmation", seed=5)
    swapped = swap(believers)
    assert mean(episode.score() for episode in swapped) < 0.8
    assert {episode.metrics["tests"] for episode in swapped} == {0}


def test_a_handed_over_task_shows_the_tests_and_allows_only_a_guess() -> None:
    given = (Observation(input=(1, 2, 3), result=True), Observation(input=(3, 2, 1), result=False))
    task = WiltTask(id="swap", rule=2, given=given)

    def script(task: Any, rng: Any) -> Any:
        seen = yield
        assert "(1.0, 2.0, 3.0): True\n(3.0, 2.0, 1.0): False" in seen.text
        said = yield T.format("1, 1, 1")
        assert said.text.startswith(expected)
        yield G.format(FULL[1])

    expected = "Maximum attempts reached"
    corrected = play(Wilt(), task, agent=script)
    assert (corrected.score(), corrected.metrics["tests"], corrected.metrics["points"]) == (1, 0, 1100)
    expected = "Result for input"
    published = play(Wilt(variant="published"), task, agent=script)
    assert (published.score(), published.metrics["tests"], published.metrics["points"]) == (1, 1, 1000)


def test_what_cannot_be_handed_over_is_refused() -> None:
    guessed = play(Wilt(), WiltTask(id="a", rule=2), agent=lambda messages: G.format(FULL[1])).log()
    with pytest.raises(TaskError, match="'a' made no test"):
        transplant(guessed)
    with pytest.raises(TaskError, match="expected an episode of 'wilt', got one of 'mint'"):
        transplant(EpisodeLog(environment="mint", task={"id": "a"}))


# Task rows ------------------------------------------------------------------------------------------------


def test_task_rows_are_read_and_checked(tmp_path: Any) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_text(
        '{"id": "a", "split": "lite", "rule": 3, "given": [{"input": [1, 2, 3], "result": true}]}\n'
    )
    task = load_tasks(path, WiltTask)[0]
    assert task.given == (Observation(input=(1, 2, 3), result=True),)
    assert task.source == RULES["lite"][2]
    with pytest.raises(TaskError, match="expected 1 to 10 for the split 'lite', got 11"):
        WiltTask(id="a", split="lite", rule=11)
