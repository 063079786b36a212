"""Plays the script: does what it says, tells what came of it, and checks that it is what was told.

All that is told is looked up in the account; nothing is taken from the script but the words.
"""

import statistics
from collections.abc import Awaitable, Callable, Iterable, Iterator

from mailroom.demo.layout import counted, milliseconds
from mailroom.demo.mailbox import FIRST
from mailroom.demo.script import Arrival, Scene, Tap
from mailroom.demo.sighting import differences
from mailroom.demo.stage import Stage, WentOtherwiseError
from mailroom.demo.telling import Teller
from mailroom.sandbox import SeenMail

Pause = Callable[[], Awaitable[None]]
"""Lets people read."""


class Play:
    """The demo as far as it is scripted.

    Args:
        stage: with the service at work.
        teller: who tells it.
        pause: before each scene, and within it.
    """

    def __init__(self, stage: Stage, teller: Teller, pause: Pause) -> None:
        self._stage = stage
        self._teller = teller
        self._pause = pause
        self._seconds: list[float] = []

    async def run(self, scenes: Iterable[Scene]) -> None:
        """From the first mail to the summary.

        Raises:
            WentOtherwiseError: something did not go as told.
        """
        await self._pause()
        await self._open()
        for number, scene in enumerate(scenes, 1):
            await self._pause()
            self._teller.heading(f"{number}. {scene.title}")
            await self._scene(scene)
        await self._pause()
        self._sum_up()

    async def _open(self) -> None:
        self._teller.heading("Strangers have written")
        self._teller.say(
            "None of them is in your contacts, so Mailroom takes their mail out of the Inbox, and"
            " has it wait in the Screener:"
        )
        seconds = await self._stage.deliver(*FIRST)
        waiting = self._stage.desk.mails("Screener")
        self._teller.mails(numbered(self._stage, waiting))
        self._teller.done(seconds, "all screened")
        if len(waiting) != len(FIRST):
            raise WentOtherwiseError(f"{len(waiting)} of {len(FIRST)} mails are in the Screener")

    async def _scene(self, scene: Scene) -> None:
        first, *others = scene.steps
        await self._step(first)
        for step in others:
            await self._pause()
            await self._step(step)

    async def _step(self, step: Arrival | Tap) -> None:
        if step.text:
            self._teller.say(step.text)
        match step:
            case Arrival():
                seconds = await self._stage.deliver(step.letter)
                mail = self._stage.newest
                self._teller.arrived(self._stage.number(mail), mail, seconds)
            case Tap():
                await self._tap(step)
        if wrong := differences(await self._stage.see(step.sender), step.outcome):
            raise WentOtherwiseError(*wrong)

    async def _tap(self, step: Tap) -> None:
        mail = self._stage.latest(step.subject)
        number = self._stage.number(mail)
        self._teller.tapped(number, mail, add=step.add, remove=step.remove)
        before = await self._stage.see(step.sender)
        seconds = await self._stage.tap(mail.id, add=step.add, remove=step.remove)
        self._seconds.append(seconds)
        self._teller.done(seconds, step.done)
        self._teller.moved(before, await self._stage.see(step.sender))

    def _sum_up(self) -> None:
        self._teller.heading("Where everything is now")
        self._teller.counts(filled_mailboxes(self._stage))
        self._teller.say(_timing(self._seconds, self._stage.settings.push.settle))
        if wrong := list(self._losses()):
            raise WentOtherwiseError(*wrong)
        self._teller.say("No mail was lost, and none was in no mailbox, not even for a moment.")

    def _losses(self) -> Iterator[str]:
        """What must not have happened to any mail."""
        mails = self._stage.desk.mails()
        if len(mails) != self._stage.delivered:
            yield f"{self._stage.delivered} mails came, {len(mails)} are there"
        for each in self._stage.desk.violations:
            yield f'"{each.subject}" was to be in no mailbox'
        for mail in mails:
            if left := mail.mailboxes & self._stage.labels():
                yield f'"{mail.subject}" still bears {", ".join(left)}'


def numbered(stage: Stage, mails: Iterable[SeenMail]) -> list[tuple[int, SeenMail]]:
    """Mails with their numbers."""
    return [(stage.number(mail), mail) for mail in mails]


def filled_mailboxes(stage: Stage) -> list[tuple[str, int]]:
    """Every mailbox that has mail in it, with how many; the Inbox and the Screener first."""
    counts = [(path, len(stage.desk.mails(path))) for path in stage.desk.mailboxes()]
    return [(path, count) for path, count in counts if count]


def _timing(seconds: list[float], settle: float) -> str:
    return (
        f"{counted(len(seconds), 'tap')}. From tap to done:"
        f" {milliseconds(statistics.median(seconds))} in the median,"
        f" {milliseconds(max(seconds))} at most. {milliseconds(settle)} of each is a wait on"
        " purpose, so that taps in a burst are dealt with together; the rest is push, contacts and"
        " mail over HTTP on this machine. A provider adds the network's time."
    )
