"""A process that has imported Mailroom's commands, and forks for each command that a test runs.

``python -m tests.support.service.forking FD`` serves the requests that come over a socket until the
socket is closed. ``forked.py`` is the other end.
"""

import gc
import json
import os
import runpy
import selectors
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from mailroom.cli.commands import COMMANDS

_LARGEST_REQUEST: Final = 1_000_000
_DESCRIPTORS: Final = 3


@dataclass(frozen=True)
class Request:
    """A module that is to be run as ``python -m`` runs it.

    Attributes:
        module: its name.
        arguments: of the command line.
        env: the environment.
        cwd: the working directory.
        stdout: the descriptor for output.
        stderr: the descriptor for errors.
        report: the socket for the pid and then the exit code.
    """

    module: str
    arguments: list[str]
    env: dict[str, str]
    cwd: str
    stdout: int
    stderr: int
    report: socket.socket


def serve(requests: socket.socket) -> Request | None:
    """Fork for each request.

    Returns in each forked process with its request, and in this process with None, at the end.
    """
    running: dict[int, tuple[int, socket.socket]] = {}
    selector = selectors.DefaultSelector()
    selector.register(requests, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is not requests:
                selector.unregister(key.fd)
                _report_end(key.fd, *running.pop(key.fd))
            elif (request := _received(requests)) is None:
                return None
            elif pid := os.fork():
                watched = os.pidfd_open(pid)
                running[watched] = pid, request.report
                selector.register(watched, selectors.EVENT_READ)
                _send(request.report, pid)
                os.close(request.stdout)
                os.close(request.stderr)
            else:
                selector.close()
                requests.close()
                for watched, (_, report) in running.items():
                    os.close(watched)
                    report.close()
                return request


def _report_end(watched: int, pid: int, report: socket.socket) -> None:
    _, status = os.waitpid(pid, 0)
    os.close(watched)
    with report:
        _send(report, os.waitstatus_to_exitcode(status))


def _received(requests: socket.socket) -> Request | None:
    content, descriptors, _, _ = socket.recv_fds(requests, _LARGEST_REQUEST, _DESCRIPTORS)
    if not content:
        return None
    stdout, stderr, report = descriptors
    return Request(
        **json.loads(content), stdout=stdout, stderr=stderr, report=socket.socket(fileno=report)
    )


def _send(report: socket.socket, number: int) -> None:
    with suppress(BrokenPipeError):  # the test was cut off
        report.send(str(number).encode())


def run(request: Request) -> None:
    """Run a module in this process."""
    request.report.close()
    for descriptor, standard in ((request.stdout, 1), (request.stderr, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    os.chdir(request.cwd)
    os.environ.clear()
    os.environ.update(request.env)
    sys.path[0] = request.cwd
    sys.argv[1:] = request.arguments
    runpy.run_module(request.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for command in COMMANDS.values():
        import_module(command.function.partition(":")[0])
    import_module("mailroom.settings.load")  # every command imports it when it runs
    gc.freeze()  # the forked processes share these pages
    with socket.socket(fileno=int(sys.argv[1])) as all_requests:
        own_request = serve(all_requests)
    if own_request is not None:
        run(own_request)
