"""A run's epochs for TensorBoard, which shows several runs side by side; an option, since it brings many packages."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from core.errors import UsageError
from training.loop import events

FOLDER = "tensorboard"  # in the run's folder


class TensorBoard:
    """Writes what an epoch measured as scalars.

    Args:
        run: the run's folder.

    Raises:
        UsageError: if TensorBoard is not installed.
    """

    def __init__(self, run: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as cause:
            raise UsageError(
                "TensorBoard is not installed.", remedy="pip install '.[tensorboard]', or leave --tensorboard out."
            ) from cause
        self._open = SummaryWriter
        self._folder = run / FOLDER
        self._writer: SummaryWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def __call__(self, event: events.Event) -> None:
        """Write an epoch; what was written of epochs that a resumed run does again is hidden."""
        match event:
            case events.Started():
                self._writer = self._open(str(self._folder), purge_step=event.epoch + 1)
            case events.EpochDone() if self._writer is not None:
                for name, value in event.row.items():
                    if name != "epoch":
                        where = name.replace("train_", "train/").replace("val_", "validation/")
                        self._writer.add_scalar(where, value, int(event.row["epoch"]) + 1)
                self._writer.flush()
            case _:
                pass
