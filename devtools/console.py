"""What the developer sees: steps with progress and times, and one-sentence problems."""

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque

#: Seconds between two lines of progress when the output is not a terminal.
HEARTBEAT = 4.0


#: What a full disk means, whoever meets it.
DISK_FULL = "The disk is full: make room and call again; nothing half made was left."


class Problem(Exception):
    """Something the developer must know or do, said in one clear sentence."""


def say(text=""):
    """Print one line at once, also when the output goes to a file or a pipe."""
    print(text, flush=True)


class Step:
    """A titled piece of work; shows that it is alive and how long it took."""

    def __init__(self, title):
        self.title = title
        self.start = time.monotonic()
        self.last_shown = self.start
        self.tty = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"

    def elapsed(self):
        return time.monotonic() - self.start

    def progress(self, detail=""):
        """Show `detail` when the last sign of life is long enough ago."""
        now = time.monotonic()
        if now - self.last_shown < (0.2 if self.tty else HEARTBEAT):
            return
        self.last_shown = now
        line = f"  … {self.elapsed():.0f} s {detail}".rstrip()
        if self.tty:
            columns = os.get_terminal_size().columns
            print("\r\033[K" + line[: columns - 1], end="", flush=True)
        else:
            say(line)

    def clear(self):
        if self.tty:
            print("\r\033[K", end="", flush=True)


@contextlib.contextmanager
def step(title):
    """Announce `title`, run the block, then say how long it took."""
    current = Step(title)
    say(f"▸ {title}")
    try:
        yield current
    except BaseException:
        current.clear()
        raise
    current.clear()
    say(f"  done in {current.elapsed():.1f} s")


def start(command, **options):
    """Popen with a clear sentence instead of a traceback when it cannot start."""
    command = [str(part) for part in command]
    try:
        return subprocess.Popen(command, **options)
    except FileNotFoundError:
        raise Problem(f"The command {command[0]} is not on this machine.") from None
    except OSError as error:
        raise Problem(f"{command[0]} cannot be started: {error.strerror}.") from None


class Terminated(KeyboardInterrupt):
    """The sandbox itself was asked to end by SIGTERM, not from the terminal."""


def on_terminate(_signal, _frame):
    """Signal handler: end like on Ctrl-C, so that nothing is left running."""
    raise Terminated


def attend(process):
    """Wait for a program that has the terminal; returns its exit code.

    Ctrl-C reaches the program too, which may take its time to end well.
    """
    try:
        return process.wait()
    except KeyboardInterrupt as interruption:
        if isinstance(interruption, Terminated):
            process.terminate()
        try:
            process.wait(30)
        except (KeyboardInterrupt, subprocess.TimeoutExpired):
            process.kill()
            process.wait()
        raise


def run_logged(command, log, current, describe=None, **options):
    """Run `command` with its output in the file `log` and progress on the terminal.

    `describe(line)` turns a line of output into a detail worth showing, or None.
    Returns the exit code and the last lines.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    tail = deque(maxlen=60)
    lines = queue.Queue()
    detail = ""
    process = start(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        **options,
    )

    def read():
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    try:
        with open(log, "a", encoding="utf-8") as output:
            while True:
                try:
                    line = lines.get(timeout=0.5)
                except queue.Empty:
                    current.progress(detail)
                    continue
                if line is None:
                    break
                output.write(line)
                output.flush()
                tail.append(line.rstrip("\n"))
                detail = (describe(line) if describe else line.strip()[:100]) or detail
                current.progress(detail)
        return process.wait(), list(tail)
    except BaseException:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        raise
