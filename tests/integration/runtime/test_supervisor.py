import os
import signal
import sys
import time
from pathlib import Path

import psutil

from runtime.supervisor import Part, Supervisor


def make_part(tmp_path: Path, code: str, name: str = "part") -> Part:
    """A part that runs a line of Python and counts its starts in a file."""
    counted = f"open({str(tmp_path / 'starts')!r}, 'a').write('x'); {code}"
    return Part(name, [sys.executable, "-c", counted], tmp_path / f"{name}.log")


def count_starts(tmp_path: Path) -> int:
    """How often the part was started."""
    path = tmp_path / "starts"
    return len(path.read_text(encoding="utf-8")) if path.exists() else 0


def look_after(supervisor: Supervisor, tmp_path: Path, starts: int) -> None:
    """Let the supervisor work until the part was started so often, at most 30 s."""
    deadline = time.monotonic() + 30
    while count_starts(tmp_path) < starts and time.monotonic() < deadline:
        supervisor.wait(0.1)


def read_command(process: psutil.Process) -> str:
    """The command line of a child, empty when it has ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def test_supervisor__a_part_that_is_killed__is_started_again(tmp_path: Path) -> None:
    """Kill -9 of a part costs the time of its start."""
    supervisor = Supervisor(os.environ)
    supervisor.start(make_part(tmp_path, "import time; time.sleep(60)"))
    look_after(supervisor, tmp_path, 1)
    (child,) = [each for each in psutil.Process().children() if "time.sleep(60)" in read_command(each)]
    child.send_signal(signal.SIGKILL)
    look_after(supervisor, tmp_path, 2)
    assert count_starts(tmp_path) == 2
    assert supervisor.is_running("part")
    supervisor.stop_all()
    assert not supervisor.is_running("part")


def test_supervisor__a_part__is_in_the_same_process_group(tmp_path: Path) -> None:
    """One Ctrl-C, or one kill of the group, reaches every part."""
    supervisor = Supervisor(os.environ)
    supervisor.start(make_part(tmp_path, "import os; print(os.getpgid(0), flush=True); import time; time.sleep(60)"))
    log = tmp_path / "part.log"
    deadline = time.monotonic() + 30
    while not log.read_text(encoding="utf-8").strip() and time.monotonic() < deadline:
        supervisor.wait(0.1)
    supervisor.stop_all()
    assert int(log.read_text(encoding="utf-8")) == os.getpgid(0)


def test_supervisor__a_part_that_always_fails__is_not_started_in_a_tight_loop(tmp_path: Path) -> None:
    """The pause doubles: starts at 0, 1 and 3 s (pauses 1, 2, 4), so at most four in five seconds."""
    supervisor = Supervisor(os.environ)
    supervisor.start(make_part(tmp_path, "raise SystemExit(1)"))
    supervisor.wait(5)
    look_after(supervisor, tmp_path, 2)
    supervisor.stop_all()
    assert 2 <= count_starts(tmp_path) <= 4


def test_supervisor__a_part_that_does_not_listen__is_killed(tmp_path: Path) -> None:
    """A stop ends, whatever a part thinks of it."""
    supervisor = Supervisor(os.environ, stop_timeout_s=1)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    supervisor.start(make_part(tmp_path, code))
    look_after(supervisor, tmp_path, 1)
    began = time.monotonic()
    supervisor.stop_all()
    assert time.monotonic() - began < 30
    assert not supervisor.is_running("part")


def test_supervisor__killed_itself__takes_its_parts_along(tmp_path: Path, repository: Path) -> None:
    """Kill -9 of `up` leaves nothing behind that would hold its ports."""
    code = (
        "import os, sys; from pathlib import Path; from runtime.supervisor import Part, Supervisor;"
        " supervisor = Supervisor(os.environ);"
        " supervisor.start(Part('part', [sys.executable, '-c', 'import time; time.sleep(60)'], Path(sys.argv[1])));"
        " supervisor.run()"
    )
    process = psutil.Popen([sys.executable, "-c", code, str(tmp_path / "part.log")], cwd=repository)
    deadline = time.monotonic() + 30
    while not (parts := process.children()) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    gone, alive = psutil.wait_procs(parts, timeout=30)
    assert (len(gone), alive) == (1, [])
