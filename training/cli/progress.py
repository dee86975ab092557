"""How a run is followed in a terminal: a bar with time left, and a line for every epoch; or events as JSON lines."""

from __future__ import annotations

import sys

import typer

from core.cli.output import Progress
from training.loop import events


def print_json(event: events.Event) -> None:
    """Print an event as a line of JSON on standard output."""
    typer.echo(events.as_json_line(event))
    sys.stdout.flush()


class Follower(Progress):
    """Shows a run in a terminal; without one, only the lines are printed."""

    def __init__(self) -> None:
        super().__init__()
        self._epochs = 0

    def __call__(self, event: events.Event) -> None:
        """Show an event."""
        match event:
            case events.Preparing():
                self.show(event.what, event.done, event.total)
            case events.Started():
                self._epochs = event.epochs
                self.say(_started(event))
            case events.StepDone():
                what = f"Epoch {event.epoch + 1} of {self._epochs}"
                note = f"{event.images_per_second:.0f} images/s, run ends in {_duration(event.seconds_left)}"
                self.show(what, event.step, event.steps, note)
            case events.EpochDone():
                self.say(_epoch(event))
            case events.Ended():
                self.say(f"{event.status}: {event.folder}" + (f" ({event.reason})" if event.reason else ""))
            case _:
                pass


def _started(event: events.Started) -> str:
    lines = [
        f"{event.network}, from {event.starts_from}: {event.parameters / 1e6:.2f} M parameters, "
        f"{event.macs / 1e9:.3f} GMACs",
        f"{event.train_images} training images, {event.val_images} validation images; {event.epochs} epochs of "
        f"{event.steps} steps on {event.device}, {'float32' if event.precision == 'no' else event.precision}",
    ]
    if event.teachers:
        lines.append(f"Teachers: {', '.join(event.teachers)}")
    if event.unreadable:
        lines.append(f"{event.unreadable} images can't be read and are left out; run.json names them")
    lines += [f"Note: {note}" for note in event.notes]
    if event.epoch or event.step:
        lines.append(f"Resumes in epoch {event.epoch + 1}, after {event.step} of {event.steps} steps")
    return "\n".join(lines)


def _epoch(event: events.EpochDone) -> str:
    row = event.row
    return (
        f"epoch {row['epoch'] + 1:3.0f}  loss {row['train_loss']:7.4f}  validation: loss {row['val_loss']:6.4f}  "
        f"accuracy {100 * row['val_accuracy']:6.2f} %  macro F1 {100 * row['val_macro_f1']:6.2f} %  "
        f"{row['images_per_second']:6.0f} images/s{'  best' if event.best else ''}"
    )


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
