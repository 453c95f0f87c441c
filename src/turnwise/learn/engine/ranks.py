"""Processes that train together: rank 0 says what is done next, all do it together, nobody waits for ever.

Rank 0 runs the trainer and owns the episodes. The other ranks `follow`: each holds parts (a share of a
policy, say), waits for an order, and calls the part's method of that name while rank 0 calls its own. Inside
of it they talk by collectives.

Two ways to talk, because there are two kinds of waiting. Orders go through the store, where a rank waits as
long as episodes take, and is told at once when the store is gone. Collectives have a time limit, and fail
when a process ends; after such a failure the ranks have lost step with each other, so the group is given up
and rank 0 says who was lost, in one line.
"""

from __future__ import annotations

import atexit
import itertools
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Literal, NamedTuple, NoReturn, TypeAlias, TypeVar, cast

import torch
import torch.distributed as dist

from turnwise.errors import ConfigError
from turnwise.learn.engine.protocol import TrainingError

_c10d = cast(Any, dist)
"""For the names that torch gives no types."""
T = TypeVar("T")
Backend: TypeAlias = Literal["auto", "gloo", "nccl"]
_Store: TypeAlias = Any
_FAILED = "failed"
"""Where the first rank that fails says why."""
_CLOSED = "the training engine was closed: make a new one"
_START = 300.0
"""Seconds in which a process has started and come."""
_PATIENCE = 3.0
"""Seconds in which a process that is about to end has ended."""


class Order(NamedTuple):
    """What every rank is to do next."""

    part: int
    name: str
    """A method of the part; `make` and `drop` are about the part itself."""
    args: tuple[Any, ...]


class Group:
    """This process among those that train together.

    Args:
        store: Where they meet.
        rank: Number of this one.
        size: How many there are.
        backend: How they talk about tensors.
        timeout: Seconds that one waits for another in a collective.
    """

    def __init__(self, store: _Store, rank: int, size: int, backend: str, timeout: float) -> None:
        self.rank = rank
        self.size = size
        self.device = torch.device("cpu")
        """Where this rank computes."""
        if backend == "nccl":
            self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
            torch.cuda.set_device(self.device)
        self.backend = backend
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if backend == "nccl" else "gloo",
            store=_c10d.PrefixStore("group", store),
            rank=rank,
            world_size=size,
            timeout=timedelta(seconds=timeout),
        )

    def scatter(self, values: Sequence[T] | None) -> T:
        """One of rank 0's values for each rank; the others give None."""
        mine: list[Any] = [None]
        dist.scatter_object_list(mine, None if values is None else list(values), src=0)
        return mine[0]

    def gather(self, value: T) -> list[T] | None:
        """Every rank's value, on rank 0."""
        every: list[Any] | None = [None] * self.size if self.rank == 0 else None
        dist.gather_object(value, every, dst=0)
        return every

    def abort(self) -> None:
        """Wake whoever waits in a collective on a GPU; those on a CPU wake by themselves."""
        if self.backend == "nccl" and dist.group.WORLD is not None:
            dist.group.WORLD.abort()


class Ranks:
    """All ranks, as rank 0 leads them.

    Args:
        processes: How many to start on this machine; those that torchrun started, where it did. 0 is one for
            each GPU.
        backend: `auto` is nccl where every process has a GPU of its own.
        timeout: Seconds that one waits for another.

    Raises:
        ConfigError: there are others than were asked for.
        TrainingError: they did not come together.
    """

    def __init__(self, processes: int, backend: Backend, timeout: float) -> None:
        self.asked = (processes, backend, timeout)
        self._orders = 0
        self._parts = 0
        self._living: set[int] = set()
        self._lost: str | None = None
        self._lock = threading.RLock()
        self._children: list[subprocess.Popen[bytes]] = []
        if launched():
            self._store: _Store = _joined()[0]
            size, local = int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_WORLD_SIZE"])
            if processes not in (0, size):
                raise ConfigError(f"processes: torchrun started {size}, not {processes}; leave it out")
        else:
            size = local = processes or max(1, torch.cuda.device_count())
            self._store = _c10d.TCPStore(
                "127.0.0.1", 0, is_master=True, timeout=timedelta(seconds=_START), wait_for_workers=False
            )
            self._children = [_spawned(rank, size, self._store.port) for rank in range(1, size)]
        self._size = size
        if backend == "auto":
            backend = "nccl" if torch.cuda.is_available() and torch.cuda.device_count() >= local else "gloo"
        try:
            self.await_all(0)
            self._say((backend, timeout))
            self.group = Group(self._store, 0, size, backend, timeout)
        except Exception as error:
            raise self._broken(error) from error
        if self._children and backend == "nccl":
            threading.Thread(target=self._watch, name="ranks", daemon=True).start()

    def part(self) -> int:
        """The number of a part to be made."""
        self._parts += 1
        self._living.add(self._parts)
        return self._parts

    @property
    def over(self) -> bool:
        """Whether others can be started in their place: these were, here, and are no more."""
        return self._lost is not None and not launched()

    @contextmanager
    def ordered(self, part: int, name: str, *args: Any) -> Generator[None]:
        """Around what rank 0 does while all others do the same.

        Args:
            part: Whose method.
            name: Which one.
            *args: What with; small, and the same for all.

        Raises:
            TrainingError: a rank was lost, now or before.
        """
        with self._lock:
            if self._lost is not None or part not in self._living:
                raise TrainingError(self._lost or _CLOSED)
            try:
                self._say(Order(part, name, args))
                yield
                # On GPUs, what was computed with one that is no more is no number to be believed.
                if self._ended():
                    raise ConnectionError("a rank ended")
            except Exception as error:
                raise self._broken(error) from error
            except BaseException as error:
                self._broken(error)
                raise

    def await_all(self, part: int) -> None:
        """Wait until every rank has made a part; 0 is when it has come. That takes longer than a collective.

        Raises:
            TimeoutError: one did not.
        """
        until = time.monotonic() + _START
        while missing := [rank for rank in range(1, self._size) if not self._here(part, rank)]:
            if self._ended() or self._store.check([_FAILED]) or time.monotonic() > until:
                raise TimeoutError(f"rank {missing[0]} was not ready within {_START:g} s")
            time.sleep(0.02)

    def drop(self, part: int) -> None:
        """A part is needed no more; with the last one, the ranks that were started here end."""
        if part not in self._living or self._lost is not None:
            return
        if self._living == {part} and not launched():
            self.close()
            return
        with self.ordered(part, "drop"):
            self.group.gather(None)
        self._living.remove(part)

    def close(self) -> None:
        """Let all ranks end."""
        if self._lost is None:
            self._lost = _CLOSED
            with suppress(Exception):
                self._say(None)
            self._end(_PATIENCE)

    def _say(self, what: object) -> None:
        self._store.set(f"order/{self._orders}", pickle.dumps(what))
        # Whoever took part in the last order has read the one before it.
        self._store.delete_key(f"order/{self._orders - 2}")
        self._orders += 1

    def _here(self, part: int, rank: int) -> bool:
        return bool(self._store.check([f"here/{part}/{rank}"]))

    def _watch(self) -> None:
        """On GPUs: wake rank 0 when another one ended, which would have it wait for ever."""
        while self._lost is None:
            if self._ended():
                with suppress(Exception):
                    self.group.abort()
                return
            time.sleep(0.5)

    def _ended(self) -> list[tuple[int, int]]:
        """Ranks started here that have ended, with what."""
        codes = [(rank, child.poll()) for rank, child in enumerate(self._children, start=1)]
        return [(rank, code) for rank, code in codes if code is not None]

    def _broken(self, error: BaseException) -> TrainingError:
        """Give the group up; the error to raise."""
        if self._lost is None:
            self._lost = (
                f"training cannot go on: {self._cause(error)}; mend it, and resume from the last checkpoint"
            )
            with suppress(Exception):
                self.group.abort()
            self._end(0.0)
        return TrainingError(self._lost)

    def _cause(self, error: BaseException) -> str:
        """Who failed first, and how."""
        late = "timed out" in str(error).lower()
        until = time.monotonic() + (0.0 if late else _PATIENCE)
        while not self._ended() and self._children and time.monotonic() < until:
            time.sleep(0.05)
        for rank, code in self._ended():
            if code < 0:
                return f"rank {rank} was ended by {signal.Signals(-code).name}"
        if late:
            return f"a rank gave no answer within {self.asked[2]:g} s"
        with suppress(Exception):
            if self._store.check([_FAILED]):
                return self._store.get(_FAILED).decode()
        for rank, code in self._ended():
            return f"rank {rank} ended with status {code}"
        return f"rank 0 failed ({told(error)})"

    def _end(self, patience: float) -> None:
        """See the processes that were started here to their end."""
        if dist.is_initialized():
            with suppress(Exception):
                dist.destroy_process_group()
        until = time.monotonic() + patience
        for child in self._children:
            try:
                child.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


_ranks: Ranks | None = None
_led = 0
"""How often this process has begun to lead."""


def lead(processes: int, backend: Backend, timeout: float) -> Ranks:
    """The ranks that this process leads; several engines share them.

    Raises:
        ConfigError, TrainingError: see `Ranks`.
    """
    global _ranks, _led
    if _ranks is None or _ranks.over:
        _led += 1
        _ranks = Ranks(processes, backend, timeout)
        atexit.register(_ranks.close)
    elif _ranks.asked != (processes, backend, timeout):
        was = ", ".join(map(repr, _ranks.asked))
        raise ConfigError(
            f"engines of one training share their ranks: processes, backend and timeout must be {was} for all"
        )
    return _ranks


def launched() -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def dismiss() -> None:
    """On rank 0, when this process ends: let those go that torchrun started, had they nothing to do."""

    def say() -> None:
        if _led == 0:
            with suppress(Exception):
                _joined()[0].set("order/0", pickle.dumps(None))

    atexit.register(say)


def follow(make: Callable[..., Any]) -> None:
    """Do what rank 0 orders, until it says that this is all.

    Args:
        make: Makes a part of this rank's group and the order's arguments.

    Raises:
        SystemExit: rank 0 is gone, or an order failed, which is said on the error stream.
    """
    # Ctrl-C is for rank 0, which ends the others when its own work is in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    store, rank, size = _joined()
    store.set(f"here/0/{rank}", b"")
    try:
        _work(store, rank, size, make)
    except Exception as error:
        _fail(store, rank, error)
    with suppress(Exception):
        dist.destroy_process_group()


def _work(store: _Store, rank: int, size: int, make: Callable[..., Any]) -> None:
    """Order after order, to the last."""
    setup = _awaited(store, 0)
    if setup is None:
        return
    group = Group(store, rank, size, *setup)
    parts: dict[int, Any] = {}
    for number in itertools.count(1):
        order: Order | None = _awaited(store, number)
        if order is None:
            return
        if order.name == "make":
            parts[order.part] = make(group, *order.args)
            store.set(f"here/{order.part}/{rank}", b"")
        elif order.name == "drop":
            parts.pop(order.part, None)
            group.gather(None)
        else:
            getattr(parts[order.part], order.name)(*order.args)


def told(error: BaseException) -> str:
    """An error in one short line."""
    line = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def _awaited(store: _Store, number: int) -> Any:
    """The next order, whenever it comes."""
    key = f"order/{number}"
    while True:
        try:
            store.wait([key], timedelta(hours=1))
        except dist.DistStoreError:
            continue
        return pickle.loads(store.get(key))


def _fail(store: _Store, rank: int, error: Exception) -> NoReturn:
    """End this process, so that those who wait for it wake, and say why."""
    why = f"rank {rank} failed ({told(error)})"
    with suppress(Exception):
        store.compare_set(_FAILED, "", why)
    print(f"turnwise: {why}", file=sys.stderr, flush=True)
    # Destructors would wait for the others.
    os._exit(1)


def _joined() -> tuple[_Store, int, int]:
    """The store that this process was told of, its rank, and how many ranks there are."""
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    limit = timedelta(seconds=_START)
    if launched():
        store = next(iter(_c10d.rendezvous("env://", timeout=limit)))[0]
        return _c10d.PrefixStore(f"turnwise/{os.environ['TORCHELASTIC_RESTART_COUNT']}", store), rank, size
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return _c10d.TCPStore(host, port, is_master=False, timeout=limit, wait_for_workers=False), rank, size


def _spawned(rank: int, size: int, port: int) -> subprocess.Popen[bytes]:
    """A process of rank `rank` on this machine."""
    threads = str(max(1, torch.get_num_threads() // size))
    env = {"OMP_NUM_THREADS": threads} | os.environ
    env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(size)}
    env |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(size)}
    code = "from turnwise.learn.engine.torchrun import work; work()"
    # A session of its own: Ctrl-C in a terminal reaches all of a group. Its output must not mix with ours.
    return subprocess.Popen(
        [sys.executable, "-c", code], env=env, stdin=subprocess.DEVNULL, stdout=2, start_new_session=True
    )
