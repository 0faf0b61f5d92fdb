"""A full run in a process of its own, as the scheduled action's worker is one.

Started by :class:`Background`: prints ``ready``, then for each line it reads makes a
run and prints ``done`` and the seconds it took.
"""

import select
import subprocess
import sys
import time

import calls
import database


class Background:
    """The process, from outside: a context manager."""

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, __file__, database.NAME],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read("ready")
        return self

    def __exit__(self, *exception):
        self._process.stdin.close()
        self._process.wait()

    def start(self):
        """Start a run."""
        self._process.stdin.write("run\n")
        self._process.stdin.flush()

    def is_done(self):
        """Return whether the run is over."""
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def finish(self):
        """Wait for the run's end; return its seconds."""
        return float(self._read("done"))

    def _read(self, word):
        line = self._process.stdout.readline().split()
        assert line[:1] == [word], f"The run in the background failed: {line}"
        return line[-1]


def _serve(name):
    database.use(name)
    print("ready", flush=True)
    for _line in sys.stdin:
        begin = time.perf_counter()
        with database.environment() as env:
            run = calls.full(env)
            assert run.state == "done", run.line_ids.mapped("error")
        print("done", time.perf_counter() - begin, flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1])
