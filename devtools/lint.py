"""`./sandbox lint`: all checks, over tracked and new files.

pre-commit runs the hooks of `.pre-commit-config.yaml`; their programs come from two
locked environments below `.sandbox/`, put first on PATH. As with pre-commit everywhere,
a hook that can repair a file does so and fails: look at the change and call again.
"""

import os
import shutil
import subprocess

from .console import Problem, attend, run_logged, say, start, step
from .paths import (
    ADDONS,
    DEVTOOLS,
    LOGS,
    ROOT,
    STATE,
    Stamp,
    building,
    fingerprint,
    link_addon,
    locked,
)
from .venv import Venv

NODE = STATE / "node"
NODE_HOOKS = "prettier,eslint"
NODE_MINIMUM = 18


def files():
    """All files that are, or could be, under version control."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        )
    except FileNotFoundError:
        raise Problem("Lint needs git, which is not on this machine.") from None
    except subprocess.CalledProcessError as error:
        told = (error.stderr.strip().splitlines() or ["no message"])[0]
        raise Problem(f"Lint checks the files git knows, but: {told}") from None
    names = [name for name in done.stdout.split("\0") if name]
    return [name for name in names if (ROOT / name).is_file()]


def node_version():
    """The major version of the machine's Node.js, or 0."""
    if not (shutil.which("node") and shutil.which("npm")):
        return 0
    done = subprocess.run(
        ["node", "--version"], capture_output=True, text=True, check=False
    )
    try:
        return int(done.stdout.strip().lstrip("v").split(".")[0])
    except ValueError:
        return 0


def node_tools():
    """Install prettier and eslint from their lock file; False when that cannot be."""
    if node_version() < NODE_MINIMUM:
        say(f"Skipping prettier and eslint: they need Node.js {NODE_MINIMUM} and npm.")
        return False
    manifest, lock = (
        DEVTOOLS / "node" / "package.json",
        DEVTOOLS / "node" / "package-lock.json",
    )
    stamp = Stamp(NODE / "complete", fingerprint(manifest, lock))
    if stamp.valid():
        return True
    with locked(STATE / "node.lock"):
        if stamp.valid():
            return True
        with step("Node.js tools for lint (once)") as current, building(NODE) as work:
            shutil.copy(manifest, work)
            shutil.copy(lock, work)
            code, tail = run_logged(
                ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                LOGS / "npm.log",
                current,
                cwd=work,
            )
            if code:
                last = next(
                    (line for line in tail if "ERR" in line or "error" in line), ""
                )
                raise Problem(
                    f"npm ci failed ({last or 'no message'}); see {LOGS / 'npm.log'}."
                )
            Stamp(work / "complete", stamp.key).write()
    return True


def run(arguments):
    """Run the hooks; further arguments go to pre-commit. Returns its exit code."""
    venv = Venv(
        "lint", "lint-requirements.txt", "Python tools for lint (once)"
    ).ensure()
    with_node = node_tools()
    link_addon()
    env = dict(os.environ)
    folders = [venv.bin, NODE / "node_modules" / ".bin"]
    env["PATH"] = os.pathsep.join([*map(str, folders), env.get("PATH", os.defpath)])
    env["PYTHONPATH"] = str(ADDONS)  # pylint finds the addon's name there
    env["NODE_PATH"] = str(
        NODE / "node_modules"
    )  # where the configurations find plugins
    env["PRE_COMMIT_HOME"] = str(STATE / "pre-commit")
    env["RUFF_CACHE_DIR"] = str(STATE / "ruff")
    env["PYLINTHOME"] = str(STATE / "pylint")
    if not with_node:
        env["SKIP"] = ",".join(filter(None, [env.get("SKIP"), NODE_HOOKS]))
    names = files()
    say(f"▸ lint of {len(names)} files")
    command = [venv.bin / "pre-commit", "run", *arguments, "--files", *names]
    code = attend(start(command, env=env, cwd=ROOT))
    say(
        "Lint found nothing."
        if code == 0
        else "Lint failed: see above (files may be repaired)."
    )
    return code
