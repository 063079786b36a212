"""Runs the image on a mail account in memory, as an orchestrator would, and checks the results.

    smoke.py ROOT IMAGE

``ROOT`` is the folder of the image's files. ``IMAGE`` is a file with the output of ``buildah
inspect``: the image's user, environment, command and health check.
"""

import asyncio
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path
from typing import IO, Any, Final

import aiohttp

from mailroom.sandbox import OwnerConsole, Sandbox, User

_OWNER: Final = User(name="alex", password="tap-tap-tap-tap", addresses=("alex@example.com",))  # noqa: S106 - nobody's
_HERE: Final = Path(__file__).parent
_PATIENCE: Final = 30.0
_STOPS_WITHIN: Final = 5.0


def check(is_met: object, requirement: str, *, seen: object = "") -> None:
    """Print a requirement that is met.

    Raises:
        SystemExit: the requirement is not met; the text has the value that was ``seen`` instead.
    """
    if not is_met:
        raise SystemExit(f"FAILED: {requirement} {seen}")
    print(f"ok  {requirement}")  # noqa: T201 - its purpose


@dataclass(frozen=True, slots=True)
class Image:
    """The image that is checked.

    Attributes:
        root: its files.
        config: its configuration: user, environment, command, health check.
        env: additions to its environment.
        secrets: the folder to mount at ``/run/secrets``.
        log: the file that all its processes write to.
    """

    root: str
    config: dict[str, Any]
    env: dict[str, str]
    secrets: str
    log: IO[str]

    async def start(self, argv: list[str]) -> asyncio.subprocess.Process:
        """Run a command in a container of its own."""
        job = {
            "root": self.root,
            "secrets": self.secrets,
            "user": self.config["User"],
            "workdir": self.config["WorkingDir"],
            "env": dict(setting.split("=", 1) for setting in self.config["Env"]) | self.env,
            "argv": argv,
        }
        unshare = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
        return await asyncio.create_subprocess_exec(
            *unshare,
            sys.executable,
            str(_HERE / "container.py"),
            json.dumps(job),
            stdout=self.log,
            stderr=self.log,
        )

    async def run(self, argv: list[str]) -> int:
        """Run a command to its end; return its exit code."""
        return await (await self.start(argv)).wait()

    async def entry(self, *arguments: str) -> int:
        """Run the image with these arguments instead of its own."""
        return await self.run([*self.config["Entrypoint"], *arguments])


async def smoke(image: Image, url: str, page_url: str, console: OwnerConsole) -> None:
    """Set the account up, run the service, check it in every way, and end it."""
    check(await image.entry("setup", "--apply") == 0, "setup --apply exits 0")
    health_check = image.config["Healthcheck"]["Test"][1:]
    check(await image.run(health_check) == 1, "health exits 1 while nothing runs")
    service = await image.start([*image.config["Entrypoint"], *image.config["Cmd"]])
    try:
        began = time.monotonic()

        async def is_ready() -> bool:
            if service.returncode is not None:
                raise SystemExit(f"FAILED: the service runs (it ended with {service.returncode})")
            return await answers(f"{url}/readyz")

        await until(is_ready, "the service is ready")
        took = time.monotonic() - began
        check(await answers(f"{url}/readyz"), f"ready {took:.1f} s after the start")
        check_process(pid_of(service))
        check(await answers(f"{url}/livez"), "/livez answers 200")
        check(await answers(f"{url}/healthz"), "/healthz answers 200")
        check(await answers(f"{page_url}/sign-in"), "/sign-in of the page answers 200")
        check(await image.run(health_check) == 0, "health exits 0")
        await tap(console)
        await stop(service)
    finally:
        if service.returncode is None:
            service.kill()  # and the container with it
            await service.wait()


def pid_of(unshare: asyncio.subprocess.Process) -> int:
    """Return the pid that the container's PID 1 has on the host."""
    children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text()
    return int(children.split()[0])


def check_process(pid: int) -> None:
    """Check the rights of the service's process, and print its memory."""
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    check(status["NSpid"].split()[-1] == "1", "the service is PID 1")
    check(
        "0" not in status["Uid"].split(),
        f"the service's user is not root but {status['Uid'].split()[0]}",
    )
    check(int(status["CapPrm"], 16) == 0, "the service has no capabilities")
    check(status["NoNewPrivs"] == "1", "the service can gain no capabilities")
    mounts = [line.split() for line in Path(f"/proc/{pid}/mounts").read_text().splitlines()]
    options = {where: options.split(",") for _, where, _, options, *_ in mounts}
    check("ro" in options["/"], "the service's root is read-only", seen=options)
    check(
        status["VmRSS"],
        f"the service's memory is {int(status['VmRSS'].split()[0]) * 1024 / 1e6:.1f} MB",
    )


async def tap(console: OwnerConsole) -> None:
    """Deliver a mail of a stranger to the Screener, label it, and wait until it is filed."""
    message = EmailMessage()
    message["From"], message["To"] = "daily@loom.example", _OWNER.addresses[0]
    message["Subject"], message["Message-ID"] = "Looms", "<1@loom.example>"
    message.set_content("Looms.\n")
    mail_id = console.deliver(message.as_bytes(), mailboxes=["Screener"])
    console.label(mail_id, add=["@ToFeed"])

    async def is_filed() -> bool:
        return [mail.mailboxes for mail in console.mails()] == [{"Feed"}]

    await until(is_filed, "the mail is filed")
    check(await is_filed(), "a labelled mail is filed")


async def stop(service: asyncio.subprocess.Process) -> None:
    """End the service as an orchestrator does: by SIGTERM to PID 1."""
    began = time.monotonic()
    os.kill(pid_of(service), 15)
    async with asyncio.timeout(_STOPS_WITHIN):
        code = await service.wait()
    took = time.monotonic() - began
    check(code == 0, f"the service exits 0, {took:.2f} s after a SIGTERM", seen=code)


async def answers(url: str) -> bool:
    """Return True if the answer is 200."""
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status == 200  # noqa: PLR2004
    except aiohttp.ClientError:
        return False


async def until(condition: Callable[[], Awaitable[bool]], requirement: str) -> None:
    """Wait until a condition is met.

    Raises:
        SystemExit: the condition is not met in time; the text has the ``requirement``.
    """
    end = time.monotonic() + _PATIENCE
    while not await condition():
        if time.monotonic() > end:
            raise SystemExit(f"FAILED: {requirement} within {_PATIENCE:g} s")
        await asyncio.sleep(0.02)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


async def on_sandbox(image: Image) -> None:
    """Serve the account, and run the image on it."""
    sandbox = Sandbox(users=(_OWNER,))
    async with sandbox.serve():
        port, page_port = free_port(), free_port()
        env = {
            "MAILROOM_JMAP_SESSION_URL": sandbox.session_url,
            "MAILROOM_JMAP_USERNAME": _OWNER.name,
            "MAILROOM_CARDDAV_URL": sandbox.url,
            "MAILROOM_HEALTH_PORT": str(port),
            "MAILROOM_WEB_PORT": str(page_port),
        }
        urls = (f"http://127.0.0.1:{number}" for number in (port, page_port))
        await smoke(replace(image, env=env), *urls, sandbox.owner())


def main(root: str, inspected: str) -> None:
    """Run the image and check it; if that fails, print its log."""
    config = json.loads(Path(inspected).read_text(encoding="utf-8"))["Docker"]["config"]
    with tempfile.TemporaryDirectory() as secrets, tempfile.TemporaryFile("w+") as log:
        Path(secrets).chmod(0o755)
        for name in ("mailroom_jmap_password", "mailroom_web_password"):
            (Path(secrets) / name).write_text(_OWNER.password)
        try:
            asyncio.run(on_sandbox(Image(root, config, {}, secrets, log)))
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read())
            raise


if __name__ == "__main__":
    main(*sys.argv[1:])
