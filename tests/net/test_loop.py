"""The loop thread: from anywhere, interruptible, refusing what would wait for itself."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from wslab.net import OnLoopThread, TimedOut, WslabError, loop


async def answer(value: int = 42) -> int:
    await asyncio.sleep(0)
    return value


class Stuck:
    """A coroutine that waits for ever, and tells when it began and how it ended."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.cancelled = threading.Event()

    async def wait(self) -> None:
        self.began.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


def test_a_result_comes_back_and_an_exception_too():
    assert loop.run(answer()) == 42

    async def fail() -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        loop.run(fail())


def test_everything_runs_on_the_one_daemon_thread():
    async def where() -> threading.Thread:
        return threading.current_thread()

    threads = {loop.run(where()) for _ in range(3)}
    assert [(thread.name, thread.daemon) for thread in threads] == [("wslab-loop", True)]


def test_many_threads_may_wait_at_once():
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda value: loop.run(answer(value)), range(200))) == [*range(200)]


def test_it_works_inside_a_running_loop():
    async def cell() -> int:
        return loop.run(answer())

    assert asyncio.run(cell()) == 42


def test_a_timeout_cancels_the_coroutine():
    stuck = Stuck()
    with pytest.raises(TimedOut, match=r"Stuck\.wait to finish within 0\.01 s"):
        loop.run(stuck.wait(), timeout=0.01)
    assert stuck.cancelled.wait(10)
    assert loop.run(answer()) == 42


def test_a_timeout_is_pythons_own_too():
    with pytest.raises(TimeoutError):
        loop.run(Stuck().wait(), timeout=0.01)
    assert issubclass(TimedOut, WslabError)


def test_a_timeout_of_the_coroutines_own_is_not_mistaken_for_ours():
    async def slow() -> None:
        async with asyncio.timeout(0):
            await asyncio.get_running_loop().create_future()

    with pytest.raises(TimeoutError) as caught:
        loop.run(slow(), timeout=10)
    assert not isinstance(caught.value, TimedOut)


def test_an_interrupt_cancels_the_coroutine_and_leaves_the_loop_usable(interrupt_when):
    stuck = Stuck()
    interrupt_when(stuck.began)
    with pytest.raises(KeyboardInterrupt):
        loop.run(stuck.wait())
    assert stuck.cancelled.wait(10)
    assert loop.run(answer()) == 42
    assert loop.tasks() == []


def test_waiting_on_the_loop_thread_for_itself_is_refused():
    async def inside() -> int:
        return loop.run(answer())

    with pytest.raises(OnLoopThread, match=r"answer waits for the thread 'wslab-loop'"):
        loop.run(inside())


def test_tasks_lists_what_is_not_finished():
    stuck = Stuck()
    task_names = []

    async def cancel_all() -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task_names.append(task.get_coro().__qualname__)  # type: ignore[union-attr]
            task.cancel()

    def wait() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run(stuck.wait())

    thread = threading.Thread(target=wait)
    thread.start()
    assert stuck.began.wait(10)
    assert len(loop.tasks()) == 1
    loop.run(cancel_all())
    thread.join()
    assert task_names == ["Stuck.wait"]
    assert loop.tasks() == []


def test_a_problem_in_the_background_is_kept_and_nothing_is_printed(capfd):
    async def plant() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)

    loop.run(plant())
    loop.run(answer())
    assert "ZeroDivisionError" in repr(loop.problems)
    loop.problems.clear()
    assert capfd.readouterr() == ("", "")


def test_a_plain_function_is_called_on_the_loop_thread_too():
    def where(name: str) -> bool:
        return threading.current_thread().name == name

    assert loop.call(where, loop.THREAD_NAME)
    with pytest.raises(ZeroDivisionError):
        loop.call(divmod, 1, 0)


SCRIPT = """
import asyncio, nest_asyncio
{before}
from wslab.net import EchoServer, connect, loop, stop_all
{after}
async def main():
    with EchoServer() as server, connect(server.url) as client:
        client.send("from inside a running loop")
        assert client.recv() == "from inside a running loop"
        await asyncio.sleep(0)
        return client.ping()
assert asyncio.run(main()) > 0
assert asyncio.run(main()) > 0
stop_all()
assert loop.tasks() == [] and list(loop.problems) == [], loop.problems
print("fine")
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("nest_asyncio.apply(asyncio.new_event_loop())", ""),
        ("", "nest_asyncio.apply(asyncio.new_event_loop())"),
        ("", "loop.start(); nest_asyncio.apply(asyncio.new_event_loop())"),
    ],
    ids=["without", "before-the-import", "after-the-import", "while-the-loop-runs"],
)
def test_it_works_with_and_without_nest_asyncio(before, after):
    # In a process of its own: nest_asyncio changes asyncio for good.
    script = SCRIPT.format(before=before, after=after)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")


def test_a_program_that_forgets_to_stop_ends_in_silence():
    script = (
        "from wslab.net import EchoServer, connect\n"
        "server = EchoServer().start()\n"
        "client = connect(server.url)\n"
        "client.send('x')\n"
        "print(client.recv())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "x\n", "")


def test_the_loop_is_asyncios_own_whatever_the_policy():
    # As with uvloop, where hold() held nothing: it looks methods up once for each connection.
    program = """
import asyncio, warnings
warnings.simplefilter("ignore", DeprecationWarning)

class Foreign(asyncio.SelectorEventLoop):
    pass

class Policy(asyncio.DefaultEventLoopPolicy):
    _loop_factory = Foreign

asyncio.set_event_loop_policy(Policy())
from wslab.net import loop
assert type(asyncio.new_event_loop()) is Foreign
async def which():
    return type(asyncio.get_running_loop())
print(loop.run(which()).__name__)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    own = "ProactorEventLoop" if sys.platform == "win32" else "_UnixSelectorEventLoop"
    assert (done.stdout.strip(), done.stderr) == (own, "")
