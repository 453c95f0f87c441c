"""What can pass is tried again, politely and not for ever; what cannot is not."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtual_time import now, run

from turnwise.engine.gateway import CallPolicy, Gateway
from turnwise.errors import ConfigError, ModelError
from turnwise.message import assistant, user
from turnwise.model import Request, Sample
from turnwise.models.retry import Retries, one_line

ASK = Request(messages=[user("hello")])


def busy(retry_after=None, kind="rate_limit"):
    return ModelError("too many requests", kind=kind, retryable=True, retry_after=retry_after)


class Script:
    """A model that raises the errors of its script in turn, then answers; notes when it was called."""

    name = "test/script"
    remote = True

    def __init__(self, *errors):
        self.errors = list(errors)
        self.arrivals = []

    async def sample(self, request):
        self.arrivals.append(now())
        if self.errors:
            raise self.errors.pop(0)
        return Sample(message=assistant("at last"))

    async def close(self):
        pass


def call(model, **policy):
    """Calls once; returns the gateway, and the sample or the error."""

    async def main():
        gateway = Gateway(model, CallPolicy(**policy), rng=random.Random(7))
        try:
            return gateway, await gateway.sample(ASK)
        except ModelError as error:
            return gateway, error

    return run(main())


@pytest.mark.parametrize("kind", ["rate_limit", "overloaded", "server", "connection", "timeout", "malformed"])
def test_what_can_pass_is_tried_again(kind):
    model = Script(busy(kind=kind), busy(kind=kind))
    gateway, sample = call(model)
    assert sample.message.text == "at last"
    assert len(model.arrivals) == 3
    assert gateway.stats.retries == {kind: 2}
    assert (gateway.stats.calls, gateway.stats.attempts, gateway.stats.failed) == (1, 3, 0)


def test_what_cannot_pass_is_raised_as_it_is_at_once():
    cause = KeyError("socket")
    error = ModelError("no such model", kind="bad_request")
    error.__cause__ = cause
    model = Script(busy(retry_after=1), error)
    gateway, raised = call(model)
    assert raised is error
    assert raised.__cause__ is cause
    assert len(model.arrivals) == 2
    assert gateway.stats.failed == 1


def test_other_exceptions_are_not_touched():
    async def main():
        gateway = Gateway(Script(ZeroDivisionError("a bug in a model")))
        with pytest.raises(ZeroDivisionError, match="a bug"):
            await gateway.sample(ASK)
        assert gateway.stats.in_flight == 0
        assert (await gateway.sample(ASK)).message.text == "at last"

    run(main())


def test_the_last_error_is_one_line_with_model_attempts_time_and_cause():
    page = "<html>\n  <body>Bad gateway</body>\n" + "x" * 5000
    last = ModelError(page, kind="server", retryable=True, retry_after=3.0)
    gateway, error = call(Script(busy(retry_after=2), busy(retry_after=2.5), last), attempts=3)
    assert str(error).startswith(
        "test/script: gave up after 3 attempts in 4.5 s; last error (server): <html> <body>Bad gateway</body>"
    )
    assert "\n" not in str(error)
    assert len(str(error)) < 500
    assert (error.kind, error.retryable, error.retry_after) == ("server", True, 3.0)
    assert error.__cause__ is last
    assert gateway.stats.failed == 1


def test_one_attempt_never_retries():
    model = Script(busy())
    _, error = call(model, attempts=1)
    assert "gave up after 1 attempt in 0.0 s" in str(error)
    assert len(model.arrivals) == 1


def test_retry_after_is_kept_to_the_instant():
    model = Script(busy(7.25), busy(0.0), busy(20.5))
    call(model)
    assert model.arrivals == pytest.approx([0, 7.25, 7.25, 27.75], abs=1e-6)


def test_retry_after_is_capped_and_a_negative_one_is_none():
    model = Script(busy(86_400.0), busy(-5.0))
    call(model, retry_after_max=90)
    assert model.arrivals == pytest.approx([0, 90, 90], abs=1e-6)


def test_a_wait_beyond_the_budget_is_not_begun():
    model = Script(busy(40.0), busy(40.0), busy(40.0))
    _, error = call(model, retry_seconds=100)
    assert model.arrivals == pytest.approx([0, 40, 80], abs=1e-6)
    assert "gave up after 3 attempts in 80.0 s" in str(error)


def test_time_in_the_queue_does_not_eat_the_budget():
    class Once(Script):
        """Refuses all but one at a time, a hundred seconds each."""

        async def sample(self, request):
            self.arrivals.append(now())
            if len(self.arrivals) > 1 and len(self.arrivals) < 6:
                raise busy()
            await asyncio.sleep(100)
            return Sample(message=assistant("at last"))

    async def main():
        gateway = Gateway(Once(), CallPolicy(concurrency=5, retry_seconds=60), rng=random.Random(7))
        await asyncio.gather(*(gateway.sample(ASK) for _ in range(5)))
        assert now() > 200
        assert gateway.stats.failed == 0

    run(main())


@given(st.integers(0, 2**32), st.floats(0, 10), st.floats(0, 100), st.integers(1, 200))
def test_waits_stay_below_a_bound_that_doubles(seed, first, most, attempts):
    policy = CallPolicy(attempts=201, backoff_seconds=first, backoff_max=most, retry_seconds=None)
    retries = Retries(policy, random.Random(seed))
    for n in range(attempts):
        delay = retries.delay(busy(), 0.0)
        assert 0 <= delay <= min(most, first * 2**n)


def test_jitter_is_full():
    policy = CallPolicy(backoff_seconds=8.0)
    rng = random.Random(5)
    delays = [Retries(policy, rng).delay(busy(), 0.0) for _ in range(4000)]
    # Uniform on [0, 8]: mean 4, standard error 8/sqrt(12 x 4000) = 0.037; a quarter below 2.
    assert sum(delays) / 4000 == pytest.approx(4.0, abs=0.15)
    assert sum(delay < 2 for delay in delays) / 4000 == pytest.approx(0.25, abs=0.03)


def test_jitter_leaves_the_global_generator_alone():
    random.seed(11)
    before = random.getstate()
    call(Script(busy(), busy(), busy()))
    assert random.getstate() == before


def test_two_gateways_do_not_wait_alike():
    def waits():
        model = Script(busy(), busy(), busy())

        async def main():
            await Gateway(model, CallPolicy(backoff_seconds=10)).sample(ASK)

        run(main())
        return model.arrivals

    assert waits() != waits()


def test_one_line():
    assert one_line("a\n\tb   c") == "a b c"
    assert len(one_line("word " * 1000)) == 400
    assert one_line("word " * 1000).endswith("…")


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("concurrency", 0, "a whole number of at least 1"),
        ("concurrency", 2.5, "a whole number of at least 1"),
        ("attempts", True, "a whole number of at least 1"),
        ("adaptive", 1, "true or false"),
        ("requests_per_minute", 0, "a number above 0, or none"),
        ("tokens_per_minute", float("inf"), "a number above 0, or none"),
        ("timeout_seconds", -1, "a number above 0, or none"),
        ("burst_seconds", None, "a number above 0"),
        ("retry_seconds", "60", "a number of at least 0, or none"),
        ("backoff_seconds", float("nan"), "a number of at least 0"),
        ("retry_after_max", -0.5, "a number of at least 0"),
    ],
)
def test_a_policy_that_cannot_be_is_one_line_naming_the_field(field, value, expected):
    with pytest.raises(ConfigError) as caught:
        CallPolicy(**{field: value})
    assert str(caught.value) == f"{field}: expected {expected}, got {value!r}"
