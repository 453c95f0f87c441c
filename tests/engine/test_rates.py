"""Rates hold over every window, callers enter in the order they came, and guesses of tokens become true."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_time import now, run

from turnwise.engine.gateway import CallPolicy, Gateway
from turnwise.engine.rates import Bucket, TokenEstimate, demand_of
from turnwise.errors import ModelError
from turnwise.message import Image, Text, ToolSpec, assistant, user
from turnwise.model import Request, Sample, Sampling, Usage


class Meter:
    """A model that notes when each call arrived and what it used."""

    name = "test/meter"
    remote = True

    def __init__(self, usage, seconds=0.0):
        self.usage = usage
        self.seconds = seconds
        self.arrivals = []

    async def sample(self, request):
        usage = self.usage(request)
        self.arrivals.append((now(), usage.input + usage.output, request.ordinal))
        await asyncio.sleep(self.seconds)
        return Sample(message=assistant("ok"), usage=usage)

    async def close(self):
        pass


def ask(text="", ordinal=0, **sampling):
    return Request(messages=[user(text)], ordinal=ordinal, sampling=Sampling(**sampling))


def busiest(arrivals, seconds):
    """Most units that arrived within any closed window of so many seconds."""
    return max(sum(n for t, n, *_ in arrivals if start <= t <= start + seconds) for start, *_ in arrivals)


def test_a_bucket_gives_a_burst_then_its_rate():
    bucket = Bucket(per_minute=60, burst_seconds=3)  # one a second, three at once
    waits = []
    for _ in range(5):
        waits.append(bucket.wait(1, 10.0))
        bucket.take(1, 10.0)
    assert waits == [0, 0, 0, 1, 2]
    assert bucket.wait(1, 10.5) == pytest.approx(2.5)
    assert bucket.wait(1, 13.0) == 0


def test_a_bucket_holds_at_least_one_unit_and_no_more_after_a_long_rest():
    bucket = Bucket(per_minute=1, burst_seconds=6)
    bucket.take(1, 0.0)
    assert bucket.wait(1, 0.0) == pytest.approx(60)
    bucket.wait(1, 1e6)
    bucket.take(1, 1e6)
    assert bucket.wait(1, 1e6) == pytest.approx(60)


def test_an_amount_larger_than_the_bucket_waits_for_a_full_one_and_leaves_a_debt():
    bucket = Bucket(per_minute=600, burst_seconds=1)  # ten a second, ten at once
    bucket.take(5, 0.0)
    assert bucket.wait(25, 0.0) == pytest.approx(0.5)
    bucket.take(25, 0.5)
    assert bucket.wait(1, 0.5) == pytest.approx(1.6)  # 15 owed and 1 wanted


def test_what_was_not_used_goes_back_and_what_was_used_on_top_is_owed():
    bucket = Bucket(per_minute=600, burst_seconds=1)
    bucket.take(10, 0.0)
    bucket.put(4, 0.0)
    assert bucket.wait(4, 0.0) == 0
    bucket.put(-6, 0.0)
    assert bucket.wait(4, 0.0) == pytest.approx(0.6)
    bucket.put(1000, 0.0)
    assert bucket.wait(10, 0.0) == 0
    bucket.take(10, 0.0)
    assert bucket.wait(10, 0.0) == pytest.approx(1.0)


def test_a_clock_that_jumps_back_adds_nothing():
    bucket = Bucket(per_minute=60, burst_seconds=1)
    bucket.take(1, 1000.0)
    assert bucket.wait(1, 0.0) == pytest.approx(1.0)
    assert bucket.wait(1, 0.5) == pytest.approx(0.5)


@settings(deadline=None)
@given(
    st.floats(1, 1e5),
    st.floats(0.1, 60),
    st.lists(st.tuples(st.floats(0, 30), st.floats(0.01, 5000)), min_size=1, max_size=40),
    st.floats(0.1, 120),
)
def test_no_window_sees_more_than_the_rate_and_one_burst(per_minute, burst_seconds, calls, seconds):
    bucket = Bucket(per_minute, burst_seconds)
    time = 0.0
    arrivals = []
    for pause, amount in calls:
        time += pause
        time += bucket.wait(amount, time)
        assert bucket.wait(amount, time) == 0
        bucket.take(amount, time)
        arrivals.append((time, amount))
    allowed = per_minute / 60 * seconds + max(bucket.burst, *(amount for _, amount in calls))
    assert busiest(arrivals, seconds) <= allowed * (1 + 1e-6)


def test_requests_a_minute_are_kept_to_the_instant_and_in_order():
    async def main():
        model = Meter(lambda request: Usage())
        gateway = Gateway(model, CallPolicy(requests_per_minute=60, burst_seconds=3))
        await asyncio.gather(*(gateway.sample(ask(ordinal=i)) for i in range(8)))
        assert [t for t, *_ in model.arrivals] == pytest.approx([0, 0, 0, 1, 2, 3, 4, 5])
        assert [ordinal for *_, ordinal in model.arrivals] == list(range(8))
        assert gateway.stats.queue_seconds == pytest.approx(15)

    run(main())


def test_a_large_call_is_not_overtaken_by_small_ones():
    async def main():
        model = Meter(lambda request: Usage(input=len(request.messages[0].text) // 4, output=1))
        gateway = Gateway(model, CallPolicy(tokens_per_minute=6000, burst_seconds=6))
        sizes = [2000, 2000, 8000, 40, 40]
        await asyncio.gather(
            *(gateway.sample(ask("x" * size, i, max_tokens=1)) for i, size in enumerate(sizes))
        )
        assert [ordinal for *_, ordinal in model.arrivals] == [0, 1, 2, 3, 4]

    run(main())


@pytest.mark.parametrize("seed", range(3))
def test_tokens_a_minute_hold_over_every_window_though_use_is_only_known_afterwards(seed):
    rng = random.Random(seed)

    async def main():
        model = Meter(lambda request: Usage(input=400, output=rng.randint(100, 1500)), seconds=2.0)
        gateway = Gateway(model, CallPolicy(concurrency=50, tokens_per_minute=60_000))
        await asyncio.gather(*(gateway.sample(ask("x" * 1600)) for _ in range(400)))
        burst = 6_000 + 1_900  # six seconds' worth and the largest call
        assert busiest(model.arrivals, 60.0) <= 60_000 + burst
        # 400 calls of about 1,200 tokens at 1,000 a second: no time is lost either.
        total = sum(tokens for _, tokens, _ in model.arrivals)
        assert now() <= total / 1000 * 1.03

    run(main())


def test_what_is_learned_is_used():
    async def main():
        model = Meter(lambda request: Usage(input=10, output=10), seconds=60.0)
        gateway = Gateway(model, CallPolicy(concurrency=500, tokens_per_minute=6000, burst_seconds=6))
        await asyncio.gather(*(gateway.sample(ask("x" * 24)) for _ in range(2000)))
        # 40,000 tokens at 100 a second, and what the first calls reserve before the first answer is in.
        assert now() <= 400 + 2 * 60

    run(main())


def test_refused_calls_cost_no_tokens():
    class Refusing(Meter):
        async def sample(self, request):
            if len(self.arrivals) < 20:
                self.arrivals.append((now(), 0, 0))
                raise ModelError("busy", kind="rate_limit", retryable=True, retry_after=0.0)
            return await super().sample(request)

    async def main():
        model = Refusing(lambda request: Usage(input=1000, output=10))
        gateway = Gateway(model, CallPolicy(tokens_per_minute=1, burst_seconds=120_000, attempts=30))
        await gateway.sample(ask("x" * 4000))
        assert now() == pytest.approx(0)

    run(main())


def test_the_rates_do_not_poll():
    async def main():
        loop = asyncio.get_running_loop()
        wakes = 0
        really = loop._run_once

        def counted():
            nonlocal wakes
            wakes += 1
            really()

        loop._run_once = counted
        gateway = Gateway(Meter(lambda request: Usage()), CallPolicy(requests_per_minute=1))
        await asyncio.gather(*(gateway.sample(ask()) for _ in range(50)))
        assert now() == pytest.approx(49 * 60)
        # A few turns of the loop for each call, none for each second.
        assert wakes < 50 * 8

    run(main())


def test_the_estimate_learns_input_and_output_from_what_was_used():
    estimate = TokenEstimate()
    demand = demand_of(ask("x" * 4000))  # a thousand tokens by the rule of thumb, 2,200 by this provider
    for _ in range(60):
        estimate.learn(demand, Usage(input=2200, output=90))
    expected = estimate.of(demand)
    assert expected.input == pytest.approx(2200, rel=0.02)
    assert expected.output == pytest.approx(90, rel=0.02)
    assert estimate.of(demand_of(ask("x" * 8000))).input == pytest.approx(4400, rel=0.02)
    assert expected.total == expected.input + expected.output


def test_the_estimate_counts_tools_pictures_and_the_limit_of_the_sample():
    estimate = TokenEstimate()
    plain = demand_of(ask("look"))
    tool = ToolSpec(name="search", description="d" * 400, parameters={"type": "object"})
    with_tool = demand_of(Request(messages=[user("look")], tools=[tool]))
    picture = user((Text(text="look"), Image(media_type="image/png", data=b"1")))
    with_picture = demand_of(Request(messages=[picture]))
    assert with_tool.size - plain.size > 100
    assert with_picture.size - plain.size >= 500
    assert estimate.of(demand_of(ask("look", max_tokens=7))).output == 7


def test_a_call_that_used_more_than_guessed_delays_the_next():
    async def main():
        model = Meter(lambda request: Usage(input=0, output=6000))
        gateway = Gateway(model, CallPolicy(tokens_per_minute=60_000, burst_seconds=1))
        await gateway.sample(ask())
        await gateway.sample(ask(max_tokens=1))
        # 6,000 used of 1,000 held, at 1,000 a second; the second call needs a handful more.
        assert model.arrivals[1][0] == pytest.approx(5.0, abs=0.02)

    run(main())
