"""Plays the script: carries out its steps, prints the results, and checks them.

Everything that is printed is read from the account; only the words come from the script.
"""

import statistics
from collections.abc import Awaitable, Callable, Iterable

from mailroom.demo.layout import counted, milliseconds
from mailroom.demo.mailbox import FIRST
from mailroom.demo.script import Arrival, Scene, Tap
from mailroom.demo.sighting import differences
from mailroom.demo.stage import Stage, UnexpectedEventError
from mailroom.demo.telling import Teller
from mailroom.sandbox import SeenMail

Pause = Callable[[], Awaitable[None]]
"""Waits while people read."""


class Play:
    """The scripted part of the demo.

    Args:
        stage: the stage, with the service running.
        teller: prints the results.
        pause: called before each scene and between its steps.
    """

    def __init__(self, stage: Stage, teller: Teller, pause: Pause) -> None:
        self._stage = stage
        self._teller = teller
        self._pause = pause
        self._seconds: list[float] = []

    async def run(self, scenes: Iterable[Scene]) -> None:
        """Play everything from the first mail to the summary.

        Raises:
            UnexpectedEventError: something happened that is not in the script.
        """
        await self._pause()
        self._teller.heading("Strangers have written")
        self._teller.say(
            "None of them is in your contacts, so Mailroom moves their mail from the Inbox to the"
            " Screener, where it waits:"
        )
        seconds = await self._stage.deliver(*FIRST)
        waiting = self._stage.console.mails("Screener")
        self._teller.mails(numbered(self._stage, waiting))
        self._teller.done(seconds, "all screened")
        if len(waiting) != len(FIRST):
            raise UnexpectedEventError(f"{len(waiting)} of {len(FIRST)} mails are in the Screener")
        for number, scene in enumerate(scenes, 1):
            await self._pause()
            self._teller.heading(f"{number}. {scene.title}")
            for place, step in enumerate(scene.steps):
                if place > 0:
                    await self._pause()
                await self._step(step)
        await self._pause()
        self._sum_up()

    async def _step(self, step: Arrival | Tap) -> None:
        if step.text:
            self._teller.say(step.text)
        match step:
            case Arrival():
                seconds = await self._stage.deliver(step.letter)
                mail = self._stage.newest
                self._teller.arrived(self._stage.number(mail), mail, seconds)
            case Tap():
                mail = self._stage.latest(step.subject)
                number = self._stage.number(mail)
                self._teller.tapped(number, mail, add=step.add, remove=step.remove)
                before = await self._stage.see(step.about)
                seconds = await self._stage.tap(mail.id, add=step.add, remove=step.remove)
                self._seconds.append(seconds)
                self._teller.done(seconds, step.done)
                self._teller.moved(before, await self._stage.see(step.about))
        if wrong := differences(await self._stage.see(step.about), step.outcome):
            raise UnexpectedEventError(*wrong)

    def _sum_up(self) -> None:
        self._teller.heading("Where everything is now")
        self._teller.counts(filled_mailboxes(self._stage))
        seconds, settle = self._seconds, self._stage.settings.push.settle
        self._teller.say(
            f"{counted(len(seconds), 'tap')}. From tap to done:"
            f" {milliseconds(statistics.median(seconds))} in the median,"
            f" {milliseconds(max(seconds))} at most. {milliseconds(settle)} of each are a pause in"
            " which Mailroom waits for further taps, to handle them together. The rest is push,"
            " contacts and mail over HTTP on this machine. A provider adds the network's time."
        )
        mails, labels = self._stage.console.mails(), self._stage.every_label()
        wrong = [
            f'Mailroom tried to leave "{violation.subject}" in no mailbox'
            for violation in self._stage.console.violations
        ]
        if len(mails) != self._stage.delivered:
            wrong.append(f"{self._stage.delivered} mails came, {len(mails)} are there")
        wrong += [
            f'"{mail.subject}" still has {", ".join(mail.mailboxes & labels)}'
            for mail in mails
            if mail.mailboxes & labels
        ]
        if wrong:
            raise UnexpectedEventError(*wrong)
        self._teller.say("No mail was lost, or left without a mailbox, not even for a moment.")


def numbered(stage: Stage, mails: Iterable[SeenMail]) -> list[tuple[int, SeenMail]]:
    """Return mails with their numbers."""
    return [(stage.number(mail), mail) for mail in mails]


def filled_mailboxes(stage: Stage) -> list[tuple[str, int]]:
    """Return every mailbox that is not empty, with the number of its mails."""
    counts = [(path, len(stage.console.mails(path))) for path in stage.console.mailboxes()]
    return [(path, count) for path, count in counts if count]
