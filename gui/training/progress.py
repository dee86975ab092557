"""How far a run has come: what is under way, a thin line, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from gui.common import theme
from gui.common.wording import duration
from training.loop.events import Event, Preparing, Started, StepDone, Working

STEPS = 1000  # of the progress bar


class Pace:
    """Estimates how long counted work will still take, from how long it took so far.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._what = ""

    def seconds_left(self, what: str, done: int, total: int) -> float | None:
        """Note how much is done; return the seconds left, or None while there is nothing to estimate it from."""
        now = self._clock()
        if what != self._what:
            self._what, self._began, self._first = what, now, done
        advanced = done - self._first
        return (now - self._began) / advanced * (total - done) if advanced > 0 else None


class TrainingProgress(QWidget):
    """A title beside what can be done, the progress as a line, and the details beneath.

    Args:
        buttons: what can be done; they are seen where they make sense.
    """

    def __init__(self, buttons: Sequence[QPushButton] = ()) -> None:
        super().__init__()
        self._pace = Pace()
        self._epochs = 1
        self._named = ""
        self._stopping = False
        self.title = QLabel()
        theme.styled(self.title, "title")
        self.title.setMinimumHeight(32)  # of a button, so that nothing moves when one comes
        self.details = QLabel()
        self.details.setWordWrap(True)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        theme.styled(self.details, "dim")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName("Progress of the training")
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.title, 1)
        for button in buttons:
            row.addWidget(button)
        page.addLayout(row)
        page.addSpacing(4)
        page.addWidget(self.bar)
        page.addWidget(self.details)
        self.say("", "")

    def say(self, title: str, details: str) -> None:
        """Show words, without a line."""
        self.title.setText(title)
        self.details.setText(details)
        self.bar.setVisible(False)

    def say_busy(self, title: str, details: str = "") -> None:
        """Show words while something of unknown duration is under way."""
        self.say(title, details)
        self.bar.setRange(0, 0)
        self.bar.setVisible(True)

    def begin(self, side: theme.Role, named: str) -> None:
        """Get ready for a run of a teacher or a student."""
        self._stopping = False
        theme.styled(self.bar, side)
        self._pace, self._named, self._epochs = Pace(), named, 1
        self.say_busy(f"Starting {named}", "torch is being loaded")

    def say_stopping(self) -> None:
        """Say until the run's end that it is about to stop."""
        self._stopping = True
        self.title.setText("Stopping…")
        self.details.setText("The step that is under way is finished, then a checkpoint is written.")

    def tell(self, event: Event) -> None:
        """Show an event of a run or a check."""
        self._show(event)
        if self._stopping:
            self.say_stopping()

    def _show(self, event: Event) -> None:
        match event:
            case Working():
                self.details.setText(f"{event.what}…")
            case Preparing():
                self._count(event.what, event.done, event.total)
            case Started():
                self._epochs = event.epochs
                self.title.setText(f"Training {event.network}")
                self._epoch(event.epoch, event.step, event.steps)
                self.details.setText(self._started(event))
            case StepDone():
                self._epoch(event.epoch, event.step, event.steps)
                self.details.setText(
                    f"Epoch {event.epoch + 1} of {self._epochs} · step {event.step} of {event.steps} · "
                    f"{event.images_per_second:.3g} images/s · {duration(event.seconds_left)} left"
                )

    def _count(self, what: str, done: int, total: int) -> None:
        words = f"{what}: {done:,} of {total:,}"
        left = self._pace.seconds_left(what, done, total)
        self.details.setText(words if left is None else f"{words} · {duration(left)} left")
        self.show_share(done / max(1, total))

    def _epoch(self, epoch: int, step: int, steps: int) -> None:
        self.show_share((epoch + step / max(1, steps)) / max(1, self._epochs))

    def show_share(self, share: float) -> None:
        """Show how much is done, in [0, 1], as a line."""
        self.bar.setRange(0, STEPS)
        self.bar.setValue(round(STEPS * min(1.0, share)))
        self.bar.setVisible(True)

    def _started(self, event: Started) -> str:
        words = (
            f"From {event.starts_from} · {event.train_images:,} training images, "
            f"{event.val_images:,} validation images · {event.device}"
        )
        if event.unreadable:
            words += f" · ⚠ {event.unreadable} images can't be read and are left out"
        return words
