"""Whatever ends a command, one line says so, `finally` has its turn, and no process is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from testbed import stopping
from testbed.console import run_command
from testbed.experiment import worker
from testbed.stopping import SIGNALS, Stopped, stoppable

HERE = Path(__file__).parent
AGAIN = "run the same command again and it goes on from here\n"
STAYING = """
import sys
from test_stopping import stay
from testbed.console import run_command
from testbed.experiment.parallel import preload, in_parallel
if GUARD:
    preload(sys.argv[2:])
    run_command(lambda: in_parallel(stay, [sys.argv[1] + "/1", sys.argv[1] + "/2"], "stay", 2))
"""
GUARDED = STAYING.replace("GUARD", "__name__ == '__main__'")
INTERRUPTED = """
import os, signal, sys
from importlib.abc import MetaPathFinder
class Interrupting(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            sys.meta_path.remove(self)
            try:
                os.kill(os.getpid(), getattr(signal, sys.argv[2]))
            except BaseException:
                raise ImportError("as libraries do")
sys.meta_path.insert(0, Interrupting())
from testbed.cli import main
main(["audit", "policy", "--scenes", "2"])
"""


def stay(place: str) -> None:
    """Work for some minutes, with a temporary file."""
    temporary = Path(place + ".tmp")
    try:
        temporary.write_text(str(os.getpid()))
        Path(place).write_text(str(os.getpid()))
        time.sleep(600)
    finally:
        temporary.unlink()


@pytest.fixture(autouse=True)
def heard():
    """Have programs hear every signal, also where the tests themselves were started with `nohup`."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS if number != signal.SIGINT}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def start():
    """Return a function that begins a program in a process group of its own, from a file or from standard input."""
    begun = []

    def begin(program: str, *arguments: str, file: Path | None = None) -> subprocess.Popen[str]:
        if file:
            file.write_text(program)
        paths = os.pathsep.join((str(HERE), str(HERE.parent), *([str(file.parent)] if file else [])))
        begun.append(
            subprocess.Popen(
                [sys.executable, str(file) if file else "-", *arguments], text=True, start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": paths},
            )
        )  # fmt: skip
        begun[-1].stdin.write("" if file else program)
        begun[-1].stdin.close()
        begun[-1].stdin = None
        return begun[-1]

    yield begin
    for process in begun:
        with suppress(ProcessLookupError):  # what is left may belong to a process that has ended
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(*files: Path) -> None:
    deadline = time.monotonic() + 120
    while not all(file.exists() and file.stat().st_size for file in files):
        assert time.monotonic() < deadline, "it never began to work"
        time.sleep(0.02)


def is_gone(*processes: int) -> bool:
    """Return whether processes end within some seconds."""
    deadline = time.monotonic() + 30
    while any(psutil.pid_exists(one) and psutil.Process(one).status() != "zombie" for one in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize(
    ("name", "group"), [("INT", True), ("INT", False), ("TERM", True), ("TERM", False), ("HUP", True), ("HUP", False)]
)
def test_a_signal_is_told_in_one_line_and_everything_is_put_in_order(name, group, start, tmp_path):
    process = start(GUARDED, str(tmp_path), file=tmp_path / "program.py")
    wait_for(tmp_path / "1", tmp_path / "2")
    number = getattr(signal, f"SIG{name}")
    (os.killpg if group else os.kill)(process.pid, number)
    _, said = process.communicate(timeout=120)
    by = "" if name == "INT" else f" by SIG{name}"
    assert said == f"stopped{by}; {AGAIN}"
    assert process.returncode == 128 + number
    assert is_gone(*(int((tmp_path / one).read_text()) for one in "12"))
    assert list(tmp_path.glob("*.tmp")) == []


@pytest.mark.parametrize("name", ["INT", "TERM"])
def test_a_signal_to_a_worker_alone_ends_the_command(name, start, tmp_path):
    process = start(GUARDED, str(tmp_path), file=tmp_path / "program.py")
    wait_for(tmp_path / "1", tmp_path / "2")
    worker = int((tmp_path / "1").read_text())
    os.kill(worker, getattr(signal, f"SIG{name}"))
    if name == "INT":  # a worker hears of Ctrl-C from whom it works for
        time.sleep(0.5)
        assert process.poll() is None and not is_gone_now(worker)
        process.terminate()
    _, said = process.communicate(timeout=120)
    assert said.count("\n") == 1 and "Traceback" not in said
    assert process.returncode == (143 if name == "INT" else 2)
    assert list(tmp_path.glob("*.tmp")) == []


def is_gone_now(process: int) -> bool:
    return not psutil.pid_exists(process)


def test_a_killed_fork_server_is_one_line(start, tmp_path):
    """It is killed while it imports, and somebody waits for a process of it."""
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(600)\n")
    process = start(GUARDED, str(tmp_path), "slow", file=tmp_path / "program.py")
    deadline, server = time.monotonic() + 60, None
    while server is None and time.monotonic() < deadline:
        time.sleep(0.1)
        children = psutil.Process(process.pid).children()
        server = next((one for one in children if "forkserver" in " ".join(one.cmdline())), None)
    assert server
    time.sleep(1)  # so that it is waited for; before, another server would be begun
    server.kill()
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2 and said.count("\n") == 1 and "ended from outside: run the same" in said


@pytest.mark.parametrize("where", ["a file without a guard", "standard input"])
def test_a_program_that_others_cannot_read_is_told_of_the_guard(where, start, tmp_path):
    file = tmp_path / "program.py" if where == "a file without a guard" else None
    process = start(STAYING.replace("GUARD", "True"), str(tmp_path), file=file)
    _, said = process.communicate(timeout=120)
    if file is None:
        assert process.returncode == 1 and said.splitlines()[-1].startswith("testbed.errors.UserError: other processes")
    else:
        assert process.returncode == 2 and said.count("\n") == 1 and str(file) in said
    assert "under `if __name__ == '__main__':`" in said and "memory" not in said
    assert not (tmp_path / "1").exists()


@pytest.mark.parametrize(
    ("module", "name"), [("tyro", "SIGINT"), ("testbed.cli.commands.audit", "SIGTERM"), ("h5py", "SIGINT")]
)
def test_a_signal_while_modules_are_imported_is_one_line_and_never_swallowed(module, name):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, module, name], capture_output=True, text=True, timeout=600
    )
    by = "" if name == "SIGINT" else f" by {name}"
    assert (done.stderr, done.returncode) == (f"stopped{by}; {AGAIN}", 128 + getattr(signal, name))


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_raised_where_the_work_is(number, capsys):
    order = []

    def work() -> None:
        try:
            os.kill(os.getpid(), number)
            time.sleep(5)
        finally:
            order.append("tidied")

    with pytest.raises(SystemExit) as ended:
        run_command(work)
    assert order == ["tidied"] and ended.value.code == 128 + number
    assert capsys.readouterr().err.endswith(AGAIN)


def test_signals_that_somebody_sees_to_are_left_alone():
    """As `nohup` does, and a program with handlers of its own."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    with stoppable():
        os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) not in before.values()
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


def test_a_thread_may_run_commands_too():
    found = []
    thread = threading.Thread(target=lambda: run_command(lambda: found.append(1)))
    thread.start()
    thread.join()
    assert found == [1]


def test_a_second_signal_at_once_means_the_same():
    """Whoever ends a group may send its first process two."""
    tidied = []
    with pytest.raises(Stopped), stoppable():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            tidied.append(1)
    assert tidied == [1]


class _Finalised:
    """Something whose finaliser a signal comes in; what is raised there goes nowhere."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass  # the handler has its turn between two of these


def _finalise_and_wait() -> None:
    _Finalised()
    time.sleep(20)
    raise AssertionError("the signal was lost")


def test_a_signal_in_a_finaliser_is_heard_and_nothing_is_said_of_that(capfd):
    """In a command and in a worker; whoever saw to what cannot be raised sees to the rest again."""
    before = sys.unraisablehook
    began = time.monotonic()
    with pytest.raises(Stopped) as caught, stoppable():
        _finalise_and_wait()
    assert caught.value.number == signal.SIGTERM and time.monotonic() - began < 20
    assert sys.unraisablehook is before
    context = get_context("fork")
    process = context.Process(target=_worker_that_is_asked_to_end, args=(context.Value("q", 0),))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGTERM
    assert "ignored" not in capfd.readouterr().err


def _worker_that_is_asked_to_end(counter: Synchronized) -> None:
    worker.begin(counter)
    worker.do(lambda _: _finalise_and_wait(), 0)


def test_what_else_cannot_be_raised_is_told_as_ever():
    told = []
    stopping.hear_again(SimpleNamespace(exc_value=ValueError()), stopping.stop, told.append)
    assert len(told) == 1


def test_a_signal_that_comes_again_waits_until_the_hook_is_left(monkeypatch):
    """On a busy machine the hook may take longer than that: what is raised in there goes nowhere either."""
    held, start = [], threading.Thread.start

    def slow(thread: threading.Thread) -> None:
        start(thread)
        if thread.daemon:
            time.sleep(10 * stopping.SOON)
            held.append(thread)

    monkeypatch.setattr(threading.Thread, "start", slow)
    with pytest.raises(Stopped) as caught, stoppable():
        _finalise_and_wait()
    assert caught.value.number == signal.SIGTERM and held
