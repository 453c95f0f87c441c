"""The program inside the sandbox: takes code over its standard input and runs it in one lasting namespace.

It is started as a script by whichever backend, imports nothing of Turnwise, and must run on any Python from
3.8 on. Its standard input and output are the channel to the host (frames: four bytes of length, big-endian,
then JSON), its standard error is where the code's output goes. The first frame sets the limits. The code
shares this process, so it could forge frames: it would only lie about itself, and the host believes nothing.
"""

from __future__ import annotations

import _ast
import builtins
import fcntl
import json
import os
import resource
import select
import signal
import sys
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import Any

HIGH = 40
"""Descriptors of the channel lie from here on, out of the way of code that closes the first few."""


class CpuTimeSpent(BaseException):
    """Raised in the code when its CPU time for the cell is used up; `except Exception` does not catch it."""


class ToolError(Exception):
    """What a tool that the code has called says of why it did not work."""


class Channel:
    """The frames to and from the host, and the descriptor that output goes to."""

    def __init__(self) -> None:
        self.source = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, HIGH)
        self.sink = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, HIGH)
        self.output = fcntl.fcntl(2, fcntl.F_DUPFD_CLOEXEC, HIGH)
        null = os.open(os.devnull, os.O_RDWR)
        self.null = fcntl.fcntl(null, fcntl.F_DUPFD_CLOEXEC, HIGH)
        os.close(null)
        self.read = os.read
        self.write = os.write

    def receive(self) -> dict[str, Any]:
        """The next frame; ends the process where the host is gone."""
        size = int.from_bytes(self._exactly(4), "big")
        return json.loads(self._exactly(size))

    def send(self, frame: dict[str, Any]) -> None:
        """Send one frame."""
        body = json.dumps(frame).encode()
        data = len(body).to_bytes(4, "big") + body
        while data:
            data = data[self.write(self.sink, data) :]

    def mark(self, text: str) -> None:
        """Write `text` behind the code's output, so that the host knows where it ends."""
        data = text.encode()
        while data:
            data = data[self.write(self.output, data) :]

    def open_streams(self) -> None:
        """Put the first three descriptors and `sys.std*` in order, whatever the last cell did to them."""
        os.dup2(self.null, 0)
        os.dup2(self.output, 1)
        os.dup2(self.output, 2)
        stdin, stdout, stderr = sys.stdin, sys.stdout, sys.stderr
        if getattr(stdin, "closed", True):
            sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115
        if getattr(stdout, "closed", True) or getattr(stderr, "closed", True):
            sys.stdout, sys.stderr = streams()

    def _exactly(self, size: int) -> bytes:
        pieces: list[bytes] = []
        while size:
            piece = self.read(self.source, size)
            if not piece:
                os._exit(0)
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


def streams() -> tuple[Any, Any]:
    """`sys.stdout` and `sys.stderr` over one buffer, so that what they write keeps its order."""
    import io

    buffer = io.BufferedWriter(io.FileIO(1, "w", closefd=False))

    def text() -> io.TextIOWrapper:
        return io.TextIOWrapper(
            buffer, "utf-8", "backslashreplace", newline="\n", line_buffering=True, write_through=True
        )

    return text(), text()


class Seeder:
    """Seeds `random` and `numpy.random` the moment the code first imports them, so that replays repeat."""

    def __init__(self, seed: int) -> None:
        self.seed = seed % 2**32  # as much as NumPy takes
        self.waiting = {"random", "numpy.random"}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Find the module as usual, and seed it when it has been executed."""
        if name not in self.waiting:
            return None
        self.waiting.discard(name)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target) if finder is not self else None
            if spec is not None and spec.loader is not None:
                self._wrap(spec.loader)
                return spec
        return None

    def _wrap(self, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            module.seed(self.seed)

        loader.exec_module = exec_module


def confine(setup: dict[str, Any]) -> None:
    """Give up root, if this is root, and set the limits, hard ones: nothing after this can raise them."""
    limits = setup["limits"]
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, name), (value, value))
    identity = setup["identity"]
    if identity is not None:
        os.setgroups([])
        os.setresgid(identity, identity, identity)
        os.setresuid(identity, identity, identity)
    os.chdir(setup["directory"])
    os.umask(0o022)
    # Modules are looked for where the code works, not where this file lies.
    sys.path[0] = setup["directory"]


class HostFunction:
    """A function that calls a tool of the host, by position or by name."""

    def __init__(
        self, ask: Any, function: str, tool: str, parameters: list[str], doc: str, loose: bool
    ) -> None:
        self._ask = ask
        self._tool = tool
        self._parameters = parameters
        self._loose = loose
        self.__name__ = self.__qualname__ = function
        self.__doc__ = doc

    def __repr__(self) -> str:
        # Without an address: what is shown shall be the same in every process.
        return f"<tool {self.__name__}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the tool."""
        name, most = self.__name__, len(self._parameters)
        last = args[most - 1 :]
        if self._loose and last and not (len(last) == 1 and isinstance(last[0], (list, tuple))):
            args = (*args[: most - 1], last)
        if len(args) > most:
            raise TypeError(f"{name}() takes {most} arguments, but {len(args)} were given")
        given = dict(zip(self._parameters, args))  # noqa: B905 - older Pythons
        for key, value in kwargs.items():
            if key in given:
                raise TypeError(f"{name}() got two values for the argument {key!r}")
            given[key] = value
        return self._ask(self._tool, given)


class Worker:
    """Runs cells and programs, one at a time."""

    def __init__(self, channel: Channel, setup: dict[str, Any]) -> None:
        self.channel = channel
        self.limit = int(setup["text_limit"])
        self.most = 32 * self.limit
        self.cpu_seconds = int(setup["cpu_seconds"])
        self.contained = bool(setup["contained"]) and os.getppid() == 1
        self.count = 0
        self.cpu_spent = False
        self.ident = ""
        """Of the request at hand."""
        self.main = ModuleType("__main__")
        self.main.__dict__["__builtins__"] = builtins
        sys.modules["__main__"] = self.main
        # What the code may bend in its own modules must not bend the worker.
        self.kill, self.wait, self.signal = os.kill, os.waitpid, signal.signal

    def serve(self) -> None:
        """Answer requests until the host goes away."""
        actions = {"cell": self.cell, "program": self.program, "file": self.file, "tools": self.tools}
        self.channel.send({"id": "ready"})
        while True:
            request = self.channel.receive()
            self.ident = request["id"]
            try:
                self.channel.open_streams()
                answer = actions[request["do"]](request)
            except KeyboardInterrupt:  # it came as the cell had just ended, outside of `guarded`
                answer = {"error": "KeyboardInterrupt"}
            self.finish(request["id"], answer)

    def finish(self, ident: str, answer: dict[str, Any]) -> None:
        """End what the cell left running, then tell the host."""
        if self.contained:
            self.reap()
        self.channel.mark(f"\x1e{ident}\x1e")
        self.channel.send({"id": ident, **answer})

    def reap(self) -> None:
        """Kill every other process here: -1 means all but the namespace's first process and this one."""
        try:
            self.kill(-1, signal.SIGKILL)
        except OSError:  # there is none
            return
        try:
            while True:
                self.wait(-1, 0)
        except OSError:  # all children are waited for
            return

    def file(self, request: dict[str, Any]) -> dict[str, Any]:
        """Write a file below the working directory."""
        import base64

        try:
            folder = os.path.dirname(request["name"])
            if folder:
                os.makedirs(folder, exist_ok=True)
            with open(request["name"], "wb") as file:
                file.write(base64.b64decode(request["data"]))
        except OSError as error:
            return {"error": f"{type(error).__name__}: {error}"}
        return {}

    def tools(self, request: dict[str, Any]) -> dict[str, Any]:
        """Put functions into the namespace that call the host's tools."""
        setattr(builtins, "ToolError", ToolError)  # noqa: B010
        for offered in request["tools"]:
            self.main.__dict__[offered["function"]] = HostFunction(self.ask_host, **offered)
        return {}

    def ask_host(self, tool: str, given: dict[str, Any]) -> Any:
        """A tool's result: a value where it is JSON, else text."""
        text = json.dumps(given, allow_nan=False, ensure_ascii=False)
        # Half a character is refused here, to the code; it would break the channel.
        text.encode()
        frame = {"id": self.ident, "call": tool, "arguments": json.loads(text)}
        if len(json.dumps(frame)) > self.most:
            raise ValueError("the arguments are too long")
        before = self.handlers()
        # No exception may come between the two halves of the exchange.
        self.quiet()
        try:
            self.channel.send(frame)
            answer = self.channel.receive()
        finally:
            for number, handler in before.items():
                self.signal(number, handler)
        if "error" in answer:
            raise ToolError(answer["error"])
        try:
            value = json.loads(answer["result"])
        except (ValueError, RecursionError):
            return answer["result"]
        return answer["result"] if isinstance(value, str) else value

    def handlers(self) -> dict[int, Any]:
        """What interrupts do now."""
        return {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGXCPU)}

    def quiet(self) -> None:
        """Let interrupts pass by."""
        try:
            for number in (signal.SIGINT, signal.SIGXCPU):
                self.signal(number, signal.SIG_IGN)
        except ValueError:
            raise RuntimeError("tools can be called from the main thread only") from None

    def cell(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run code in the lasting namespace."""
        self.count += 1
        name = f"<cell {self.count}>"
        return self.guarded(name, request["code"], lambda: self.evaluate(name, request))

    def evaluate(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Run all statements, and give the value of a last one that is an expression."""
        tree: Any = compile(request["code"], name, "exec", _ast.PyCF_ONLY_AST, dont_inherit=True)
        last = (
            tree.body.pop()
            if request["echo"] and tree.body and isinstance(tree.body[-1], _ast.Expr)
            else None
        )
        scope = self.main.__dict__
        exec(built(tree, name, "exec"), scope)
        if last is None:
            return {}
        value = eval(built(_ast.Expression(body=last.value), name, "eval"), scope)
        if value is None:
            return {}
        scope["_"] = value
        return {"result": self.clean(repr(value))}

    def program(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run code as a script is run: its own standard input, an exit code, threads joined at the end."""
        sys.argv = ["main.py"]
        answer = self.guarded("main.py", request["code"], lambda: self.script(request))
        return {"exit": 1 if answer.get("error") else 0, **answer}

    def script(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run the program to its very end."""
        feed(request["stdin"])
        scope = self.main.__dict__
        scope["__file__"] = "main.py"
        try:
            exec(compile(request["code"], "main.py", "exec", dont_inherit=True), scope)
        except SystemExit as stop:
            if stop.code is None or isinstance(stop.code, int):
                return {"exit": stop.code or 0}
            print(stop.code, file=sys.stderr)
            return {"exit": 1}
        finally:
            if "threading" in sys.modules:
                sys.modules["threading"]._shutdown()
            import atexit

            getattr(atexit, "_run_exitfuncs")()  # noqa: B009 - what a script's end runs has no public name
        return {}

    def guarded(self, name: str, code: str, work: Any) -> dict[str, Any]:
        """`work()` with interrupts on, or the traceback it ended in."""
        answer: dict[str, Any] = {}
        try:
            self.arm()
            try:
                answer = work()
            except BaseException as error:  # whatever the code raises is its result
                answer = {"error": self.clean(self.explain(error, name, code))}
            finally:
                flush()
                self.signal(signal.SIGINT, signal.SIG_IGN)
        except BaseException as error:  # it came while the traceback was being made, or from a broken stream
            self.signal(signal.SIGINT, signal.SIG_IGN)
            answer = answer or {"error": self.clean(f"{type(error).__name__}: {error}")}
        self.signal(signal.SIGXCPU, signal.SIG_IGN)
        if self.cpu_spent:
            answer["cpu"] = True
        return answer

    def arm(self) -> None:
        """Let an interrupt and the end of the CPU time reach the code as exceptions."""

        def spent(number: int, frame: FrameType | None) -> None:
            self.cpu_spent = True
            raise CpuTimeSpent(f"more than {self.cpu_seconds} s of CPU time")

        self.cpu_spent = False
        usage = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(usage.ru_utime + usage.ru_stime) + 1 + self.cpu_seconds
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        self.signal(signal.SIGXCPU, spent)
        self.signal(signal.SIGINT, signal.default_int_handler)

    def explain(self, error: BaseException, name: str, code: str) -> str:
        """The traceback as Python shows it, from the code's own first line on."""
        if isinstance(error, SystemExit):
            return f"SystemExit: {error.code}"
        import linecache
        import traceback

        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        trace: TracebackType | None = error.__traceback__
        while trace is not None and trace.tb_frame.f_globals is globals():
            trace = trace.tb_next
        return "".join(traceback.format_exception(type(error), error, trace)).rstrip("\n")

    def clean(self, text: str) -> str:
        """`text` short enough and fit for JSON: a lone surrogate becomes an escape."""
        keep = self.limit  # at each end; the host cuts once more
        if len(text) > 2 * keep:
            text = f"{text[:keep]}\n[... {len(text) - 2 * keep:,} characters left out ...]\n{text[-keep:]}"
        return text.encode("utf-8", "backslashreplace").decode()


def built(tree: Any, name: str, mode: str) -> CodeType:
    """The code object of a syntax tree."""
    return compile(tree, name, mode, dont_inherit=True)


def feed(text: str) -> None:
    """Make `text` the standard input."""
    handle = os.open(".stdin", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.unlink(".stdin")
    with open(handle, "wb", closefd=False) as file:
        file.write(text.encode("utf-8", "surrogatepass"))
    os.lseek(handle, 0, os.SEEK_SET)
    os.dup2(handle, 0)
    os.close(handle)
    sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115


def flush() -> None:
    """Let out what the code has written, if it left its streams whole."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            continue


def keep(worker: int) -> None:
    """Be the first process of a container: pass interrupts on; end when the worker or the host does.

    Nothing inside can stop or kill the first process, and everything ends with it.
    """

    def pass_on(number: int, frame: FrameType | None) -> None:
        os.kill(worker, number)

    signal.signal(signal.SIGINT, pass_on)
    host = select.poll()
    host.register(0, 0)  # hang-ups are told of in any case
    os.close(1)
    os.close(2)
    while not host.poll(100):
        try:
            while True:
                ended, _ = os.waitpid(-1, os.WNOHANG)
                if ended == worker:
                    os._exit(0)
                if ended == 0:
                    break
        except ChildProcessError:
            break
    os._exit(0)


def main() -> None:
    """Set up and serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.getpid() == 1:
        worker = os.fork()
        if worker:
            keep(worker)
    channel = Channel()
    setup = channel.receive()
    confine(setup)
    sys.stdout, sys.stderr = streams()
    sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115
    os.register_at_fork(before=flush)
    import _sitebuiltins

    for name in ("exit", "quit"):
        setattr(builtins, name, _sitebuiltins.Quitter(name, ""))
    if setup["seed"] is not None:
        sys.meta_path.insert(0, Seeder(setup["seed"]))  # type: ignore[arg-type]
    Worker(channel, setup).serve()


if __name__ == "__main__":
    main()
