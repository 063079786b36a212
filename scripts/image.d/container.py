"""Runs a command in the files of an image, as a container engine would.

    unshare --mount --pid --fork --kill-child container.py JOB

``JOB`` is JSON: root, secrets (a folder), user, workdir, env, argv. The command becomes PID 1 of
the namespace that ``unshare`` makes, with a read-only root, no capabilities and no way to gain any.
The network is the host's.
"""

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

_PR_SET_NO_NEW_PRIVS: Final = 38


def main() -> None:
    """Replace this process by the command."""
    job: dict[str, Any] = json.loads(sys.argv[1])
    _mount(Path(job["root"]), job["secrets"])
    os.chroot(job["root"])
    os.chdir(job["workdir"])
    _drop_privileges(*map(int, job["user"].split(":")))
    os.execvpe(job["argv"][0], job["argv"], job["env"])  # noqa: S606 - its purpose


def _mount(root: Path, secrets: str) -> None:
    _run("mount", "--bind", str(root), str(root))
    _run("mount", "-o", "remount,bind,ro", str(root))
    _run("mount", "-t", "proc", "proc", f"{root}/proc")
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", f"{root}/run")
    (root / "run/secrets").mkdir()
    _run("mount", "--bind", secrets, f"{root}/run/secrets")
    _run("mount", "-o", "remount,ro", f"{root}/run")


def _drop_privileges(user: int, group: int) -> None:
    """Drop all capabilities with user 0; no program that runs later can gain any."""
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)  # noqa: S603 - fixed, but for our own paths


if __name__ == "__main__":
    main()
