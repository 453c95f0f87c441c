"""The gateway finds what a server bears, times calls out, loses no slot whatever happens, and shows all."""

import asyncio
import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_time import VirtualLoop, now, run

from turnwise.engine.adaptive import AdaptiveLimit
from turnwise.engine.gateway import CallPolicy, Gateway
from turnwise.errors import CapabilityError, ModelError
from turnwise.message import assistant, user
from turnwise.model import Request, Sample, Usage


def ask(ordinal=0):
    return Request(messages=[user("hello")], ordinal=ordinal)


class Server:
    """Answers after some seconds, refuses what is above the number it bears, and keeps watch."""

    name = "test/server"
    remote = True

    def __init__(self, bears=10**9, seconds=1.0, refuses_in=0.05, retry_after=None):
        self.bears = bears
        self.seconds = seconds
        self.refuses_in = refuses_in
        self.retry_after = retry_after
        self.in_flight = self.peak = self.refused = 0
        self.order = []
        self.closed = False

    async def sample(self, request):
        self.order.append(request.ordinal)
        if self.in_flight >= self.bears:
            self.refused += 1
            await asyncio.sleep(self.refuses_in)
            raise ModelError("busy", kind="rate_limit", retryable=True, retry_after=self.retry_after)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.in_flight -= 1
        return Sample(message=assistant("hello"), usage=Usage(input=10, output=5))

    async def close(self):
        self.closed = True


async def many(gateway, n):
    return await asyncio.gather(*(gateway.sample(ask(i)) for i in range(n)))


def test_it_is_a_model_like_the_one_it_wraps():
    async def main():
        server = Server()
        gateway = Gateway(server)
        assert (gateway.name, gateway.remote) == ("test/server", True)
        assert (await gateway.sample(ask())).usage == Usage(input=10, output=5)
        await gateway.close()
        assert server.closed

    run(main())


def test_no_more_than_the_cap_are_in_flight_and_the_first_to_come_is_the_first_served():
    async def main():
        server = Server()
        gateway = Gateway(server, CallPolicy(concurrency=7))
        await many(gateway, 70)
        assert server.peak == 7
        assert now() == pytest.approx(10)
        assert server.order == list(range(70))
        # Ten waves; the k-th waited k seconds.
        assert gateway.stats.queue_seconds == pytest.approx(7 * sum(range(10)))

    run(main())


def test_stats_show_what_is_going_on():
    async def main():
        gateway = Gateway(Server(), CallPolicy(concurrency=2))
        calls = [asyncio.create_task(gateway.sample(ask(i))) for i in range(5)]
        await asyncio.sleep(0.5)
        stats = gateway.stats
        assert (stats.in_flight, stats.waiting, stats.limit, stats.calls) == (2, 3, 2, 0)
        await asyncio.gather(*calls)
        stats = gateway.stats
        assert (stats.in_flight, stats.waiting, stats.calls, stats.attempts) == (0, 0, 5, 5)

    run(main())


@pytest.mark.parametrize("retry_after", [None, 1.0])
@pytest.mark.parametrize("cap", [16, 100, 1000])
def test_the_limit_settles_at_what_the_server_bears(cap, retry_after):
    async def main():
        server = Server(bears=8, retry_after=retry_after)
        gateway = Gateway(server, CallPolicy(concurrency=cap), rng=random.Random(1))
        limits = []

        async def watch():
            while True:
                await asyncio.sleep(0.1)
                limits.append(gateway.stats.limit)

        watcher = asyncio.create_task(watch())
        samples = await many(gateway, 1000)
        watcher.cancel()
        assert len(samples) == 1000
        assert 1000 / 8 / now() >= 0.85  # of the ideal throughput
        settled = limits[50:-50]
        assert min(settled) >= 5
        assert max(settled) <= 9
        # The first wave is refused once; after it, about one call for each swing of the limit.
        assert server.refused <= cap + 60
        assert gateway.stats.retries == {"rate_limit": server.refused}

    run(main())


def test_a_fixed_limit_stays_and_shows_what_adapting_is_worth():
    async def main():
        server = Server(bears=8)
        gateway = Gateway(
            server, CallPolicy(concurrency=16, adaptive=False, attempts=50), rng=random.Random(1)
        )
        await many(gateway, 300)
        assert gateway.stats.limit == 16
        return server.refused

    assert run(main()) > 300


def test_the_limit_recovers_when_the_server_does():
    async def main():
        server = Server(bears=4)
        gateway = Gateway(server, CallPolicy(concurrency=20), rng=random.Random(1))
        calls = asyncio.create_task(many(gateway, 1000))
        await asyncio.sleep(30)
        assert gateway.stats.limit <= 5
        server.bears = 10**9
        await asyncio.sleep(30)
        assert gateway.stats.limit == 20
        await calls

    run(main())


def test_a_spent_quota_stops_all_calls_not_only_those_it_refused():
    class Quota(Server):
        """Refuses everything before the 40th second, and says when to come back."""

        async def sample(self, request):
            if now() < 40:
                self.refused += 1
                await asyncio.sleep(0.05)
                raise ModelError("quota", kind="rate_limit", retryable=True, retry_after=40 - now())
            return await super().sample(request)

    async def main():
        server = Quota()
        gateway = Gateway(server, CallPolicy(concurrency=10), rng=random.Random(1))
        await many(gateway, 500)
        # One full window learns of it, a few more calls confirm it; 490 others never ask in vain.
        assert server.refused <= 20
        assert gateway.stats.limit == 10
        # What a fresh gateway would need from the 40th second on is 50 s.
        assert now() <= 40 + 50 * 1.2

    run(main())


def test_many_refusals_of_one_window_cut_the_limit_once():
    limit = AdaptiveLimit(100)
    assert limit.refused(0, 100) is False
    assert limit.value == 70
    for in_flight in range(99, 79, -1):
        limit.refused(0, in_flight)
    assert limit.value == 70
    # But when more are refused than the cut foresaw, those left are what the server bears.
    for in_flight in range(79, 8, -1):
        limit.refused(0, in_flight)
    assert limit.value == 8


def test_a_window_of_passes_raises_the_limit_by_one_only_while_it_is_in_use():
    limit = AdaptiveLimit(100)
    limit.refused(0, 15)
    assert limit.value == 10  # 15 x 0.7 = 10.5
    for _ in range(50):
        limit.passed(1, 3)
        limit.passed(0, 10)
    assert limit.value == 10
    for _ in range(11):
        limit.passed(1, 10)
    assert limit.value == 11


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(1, 60)), max_size=200),
)
def test_the_limit_stays_within_its_bounds(cap, events):
    limit = AdaptiveLimit(cap)
    for passed, age, in_flight in events:
        before, window = limit.value, limit.window
        call = max(0, limit.window - age)
        if passed:
            limit.passed(call, in_flight)
            assert limit.value >= before
        else:
            limit.refused(call, in_flight)
            assert limit.value <= before
            assert limit.window == window + (call == window)
        assert 1 <= limit.value <= cap


def test_a_call_that_takes_too_long_times_out_and_is_tried_again():
    class Slow(Server):
        async def sample(self, request):
            self.order.append(now())
            await asyncio.sleep(1000 if len(self.order) < 3 else 1)
            return Sample(message=assistant("hello"))

    async def main():
        server = Slow()
        policy = CallPolicy(timeout_seconds=20, backoff_seconds=0)
        gateway = Gateway(server, policy)
        sample = await gateway.sample(ask())
        assert server.order == pytest.approx([0, 20, 40], abs=1e-6)
        assert gateway.stats.retries == {"timeout": 2}
        assert sample.retries == ("timeout", "timeout")

    run(main())


def test_giving_up_on_time_outs_says_so():
    async def main():
        gateway = Gateway(Server(seconds=100), CallPolicy(timeout_seconds=1.5, attempts=2, backoff_seconds=0))
        with pytest.raises(ModelError) as caught:
            await gateway.sample(ask())
        assert caught.value.kind == "timeout"
        assert caught.value.retries == ("timeout",)
        assert str(caught.value) == (
            "test/server: gave up after 2 attempts in 3.0 s; "
            "last error (timeout): test/server: no answer in 1.5 s"
        )

    run(main())


def test_one_time_out_does_not_stop_the_others_for_long():
    class Stuck(Server):
        async def sample(self, request):
            if request.ordinal == 0:
                await asyncio.sleep(10**6)
            return await super().sample(request)

    async def main():
        policy = CallPolicy(concurrency=2, timeout_seconds=600, attempts=1)
        gateway = Gateway(Stuck(), policy)
        results = await asyncio.gather(*(gateway.sample(ask(i)) for i in range(700)), return_exceptions=True)
        assert [type(result).__name__ for result in results[:2]] == ["ModelError", "Sample"]
        assert now() < 720

    run(main())


def test_a_time_out_that_the_model_raises_itself_is_not_ours():
    class Impatient(Server):
        async def sample(self, request):
            raise TimeoutError("a lock inside the model")

    async def main():
        with pytest.raises(TimeoutError, match="a lock inside"):
            await Gateway(Impatient()).sample(ask())

    run(main())


def test_a_retry_keeps_its_place_before_calls_that_have_not_begun():
    class Once(Server):
        async def sample(self, request):
            if not self.order:
                self.order.append(request.ordinal)
                raise ModelError("reset", kind="connection", retryable=True, retry_after=5.0)
            return await super().sample(request)

    async def main():
        server = Once(seconds=3)
        await many(Gateway(server, CallPolicy(concurrency=1)), 8)
        assert server.order == [0, 1, 2, 0, 3, 4, 5, 6, 7]

    run(main())


def test_what_is_said_while_a_call_waits_is_not_shown_to_it():
    class Reader(Server):
        seen = []

        async def sample(self, request):
            self.seen.append([message.text for message in request.messages])
            return await super().sample(request)

    async def main():
        server = Reader(bears=0)
        gateway = Gateway(server, CallPolicy(attempts=2), rng=random.Random(1))
        said = [user("hello")]
        call = asyncio.create_task(gateway.sample(Request(messages=said)))
        await asyncio.sleep(0.01)
        said.append(user("told meanwhile"))
        with pytest.raises(ModelError):
            await call
        assert server.seen == [["hello"], ["hello"]]

    run(main())


@pytest.mark.parametrize("when", ["in flight", "in the queue", "before a retry", "just let in"])
def test_a_cancelled_call_gives_back_what_it_held(when):
    async def main():
        # One slot; two requests and 1,000 tokens (a call is thought to use 517) that hardly ever come back.
        policy = CallPolicy(
            concurrency=1, requests_per_minute=0.001, tokens_per_minute=0.5, burst_seconds=120_000
        )
        server = Server(seconds=10)
        gateway = Gateway(server, policy)
        if when == "before a retry":
            server.bears, server.retry_after = 0, 60.0
        first = asyncio.create_task(gateway.sample(ask()))
        await asyncio.sleep(1)
        if when in ("in the queue", "just let in"):
            second = asyncio.create_task(gateway.sample(ask(1)))
            await asyncio.sleep(1)
            assert gateway.stats.waiting == 1
            if when == "just let in":
                first.cancel()
                await asyncio.sleep(0)  # the first gives back its slot, and the second gets it ...
            second.cancel()  # ... but is cancelled before it could begin
            with pytest.raises(asyncio.CancelledError):
                await second
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert server.order == [0]
        server.bears = 10**9
        stats = gateway.stats
        assert (stats.in_flight, stats.waiting) == (0, 0)
        # The second request of the two is still there, and its tokens: it was never sent.
        begun = now()
        await gateway.sample(ask(2))
        assert now() - begun == pytest.approx(10)

    run(main())


def test_a_cancelled_call_keeps_only_the_tokens_that_were_read():
    async def main():
        server = Server(seconds=10)
        # 1,000 tokens at once, 1 a second; each call is thought to use some 5 and 512.
        gateway = Gateway(server, CallPolicy(tokens_per_minute=60, burst_seconds=1000))
        for _ in range(20):
            call = asyncio.create_task(gateway.sample(ask()))
            await asyncio.sleep(0.01)
            call.cancel()
        assert len(server.order) == 20

    run(main())


def test_cancelling_the_head_of_the_queue_lets_the_next_in():
    async def main():
        server = Server(seconds=0.0)
        gateway = Gateway(server, CallPolicy(tokens_per_minute=600, burst_seconds=60))
        large = Request(messages=[user("x" * 40_000)])
        await gateway.sample(large)  # thousands of tokens in debt, then corrected to 15
        blocked = asyncio.create_task(gateway.sample(large))
        later = asyncio.create_task(gateway.sample(ask(5)))
        await asyncio.sleep(0.01)
        assert gateway.stats.waiting == 2
        blocked.cancel()
        await later
        assert now() < 1

    run(main())


class Chaos(Server):
    """Answers, refuses, fails and hangs by its own dice."""

    def __init__(self, seed, bears):
        super().__init__(bears=bears)
        self.rng = random.Random(seed)

    async def sample(self, request):
        dice = self.rng.random()
        self.seconds = self.rng.choice([0.0, 0.01, 0.5, 3.0])
        if dice < 0.1:
            raise ModelError("no", kind="bad_request")
        if dice < 0.2:
            await asyncio.sleep(0)
            raise ModelError(
                "reset", kind="connection", retryable=True, retry_after=self.rng.choice([None, 0.5])
            )
        if dice < 0.25:
            raise ZeroDivisionError
        if dice < 0.3:
            await asyncio.sleep(100)
        return await super().sample(request)


@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 2**32),
    cap=st.integers(1, 6),
    bears=st.integers(1, 6),
    requests=st.sampled_from([None, 60.0, 6000.0]),
    tokens=st.sampled_from([None, 600.0, 60_000.0]),
    plan=st.lists(st.tuples(st.floats(0, 2), st.floats(0, 8), st.booleans()), min_size=1, max_size=30),
)
def test_no_schedule_of_calls_and_cancellations_leaks_a_slot(seed, cap, bears, requests, tokens, plan):
    policy = CallPolicy(
        concurrency=cap,
        attempts=4,
        timeout_seconds=5,
        requests_per_minute=requests,
        tokens_per_minute=tokens,
    )

    async def main():
        server = Chaos(seed, bears)
        gateway = Gateway(server, policy, rng=random.Random(seed))
        calls = []
        for pause, patience, impatient in plan:
            call = asyncio.create_task(gateway.sample(ask()))
            if impatient:
                asyncio.get_running_loop().call_later(patience, call.cancel)
            calls.append(call)
            if pause > 1:
                await asyncio.sleep(pause - 1)
            assert gateway.stats.in_flight <= cap
        # A lost wake-up would end in the virtual loop's deadlock.
        await asyncio.gather(*calls, return_exceptions=True)
        stats = gateway.stats
        assert server.in_flight == stats.in_flight == stats.waiting == 0
        assert server.peak <= cap
        assert stats.calls + stats.failed + stats.cancelled <= len(plan)  # some never began
        # All slots are there again: as many calls as the limit allows go out together.
        calm = gateway.model = Server(seconds=0.001)
        await asyncio.sleep(10_000)
        await asyncio.gather(*(gateway.sample(ask()) for _ in range(3 * cap)))
        if requests is None and tokens is None:
            assert calm.peak >= stats.limit

    run(main())


def test_it_is_made_outside_a_loop_and_serves_several_one_after_the_other():
    server = Server()
    gateway = Gateway(server, CallPolicy(concurrency=2, requests_per_minute=600))
    for _ in range(3):
        run(many(gateway, 6))
    assert gateway.stats.calls == 18
    assert server.peak == 2


def test_what_a_dead_loop_left_behind_is_forgotten():
    gateway = Gateway(Server(), CallPolicy(concurrency=1))
    loop = VirtualLoop()
    left = [loop.create_task(gateway.sample(ask(i))) for i in range(3)]
    loop.run_until_complete(asyncio.sleep(0.5))
    assert (gateway.stats.in_flight, gateway.stats.waiting) == (1, 2)
    run(many(gateway, 2))
    assert (gateway.stats.in_flight, gateway.stats.waiting) == (0, 0)
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.close()
    assert (gateway.stats.in_flight, gateway.stats.waiting) == (0, 0)
    run(many(gateway, 2))


def test_two_loops_at_once_are_refused_in_one_line():
    gateway = Gateway(Server(seconds=0.0))
    begun, done = threading.Event(), threading.Event()

    async def hold():
        await gateway.sample(ask())
        begun.set()
        await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    begun.wait()
    try:
        with pytest.raises(CapabilityError, match="one event loop at a time: make one gateway for each loop"):
            asyncio.run(gateway.sample(ask()))
    finally:
        done.set()
        thread.join()
