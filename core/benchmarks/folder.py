"""How fast a folder is compared, from files to what is written, and for which share of it no network computes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import psutil

from core.benchmarks.results import FolderRow
from core.compare.batch import compare_files
from core.compare.classifier import Classifier, NetworkInput, Prediction, network_input
from core.compare.pipeline import AHEAD_IN_BATCHES
from core.compare.read_ahead import ReadAhead
from core.compare.session import Choice, Compared, ComparisonSession
from core.compare.stages import open_file
from core.errors import TwinlensError
from core.exports.batch import Outputs
from core.exports.format import Wanted
from core.images.reader import read_image
from core.models.catalogue import Catalogue

MIB = 1 << 20
DEFAULT = Choice()
SHARES = 5  # equal parts of the images that are timed each
STUDENT, BOTH, MAPS = "student alone", "both networks, table", "both networks, fast heat maps, all written"


def folder_speed(catalogue: Catalogue, paths: Sequence[Path], choice: Choice = DEFAULT) -> Iterator[FolderRow]:
    """Time the student alone, both networks, and both with heat maps, and yield what each took.

    Models are loaded and compiled before, and files are read once, so that all three find them in the system's cache.

    Args:
        catalogue: the installed models.
        paths: images that can be opened, at least two.
        choice: which models.

    Raises:
        TwinlensError: if a file can't be compared.
    """
    session = ComparisonSession(catalogue)
    plain, with_maps = replace(choice, cam="none"), replace(choice, cam="fast")
    for path in paths:
        path.read_bytes()
    opened = open_file(session, paths[0], choice)
    models = session.loaded(opened.pair, choice)
    for classifier in (models.teacher, models.student):
        size = classifier.runtime.batch_size
        classifier.predict_many([opened.teacher if classifier is models.teacher else opened.student] * size)
        classifier.runtime.prepare_masks()
    yield _timed(STUDENT, session, len(paths), _student_alone(session, paths, models.student))
    for what, wanted, format_ in ((BOTH, plain, "csv"), (MAPS, with_maps, "maps")):
        with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
            outputs = stack.enter_context(Outputs(Wanted(places={format_: Path(place) / "written"})))
            compared = compare_files(session, paths, wanted)
            yield _timed(what, session, len(paths), _written(outputs, compared))


def _written(outputs: Outputs, compared: Iterable[Compared]) -> Iterator[None]:
    for found in compared:
        if found.record.error is not None:
            raise TwinlensError(found.record.error, remedy="Name a folder of images that can all be opened.")
        outputs.add(found)
        yield None


def _student_alone(session: ComparisonSession, paths: Sequence[Path], student: Classifier) -> Iterator[Prediction]:
    """Yield the student's prediction of each file, read ahead and predicted in batches as in the pipeline."""
    gate = session.gate(student.bundle)
    reading = ReadAhead(
        lambda path: network_input(read_image(path), student.bundle, gate), paths, lambda _given: 0,
        most=AHEAD_IN_BATCHES,
    )  # fmt: skip
    group: list[NetworkInput] = []
    for number, (_path, given) in enumerate(reading, 1):
        if isinstance(given, Exception):
            raise given
        group.append(given)
        if len(group) >= student.runtime.batch_size or number == len(paths):
            yield from student.predict_many(group)
            group = []


def _timed(what: str, session: ComparisonSession, images: int, work: Iterable[object]) -> FolderRow:
    process = psutil.Process()
    busy, processor, started = session.turns.seconds, time.process_time(), time.perf_counter()
    peak, marks = 0, [started]
    for done, _ in enumerate(work, 1):
        peak = max(peak, process.memory_info().rss)
        if done * SHARES // images > (done - 1) * SHARES // images:
            marks.append(time.perf_counter())
    wall = time.perf_counter() - started
    return FolderRow(
        what=what,
        images=images,
        images_per_s=round(images / wall, 3),
        outside=round(max(0.0, 1 - (session.turns.seconds - busy) / wall), 4),
        processor_ms=round(1e3 * (time.process_time() - processor) / images, 2),
        peak_mib=round(peak / MIB, 1),
        seconds=[round(after - before, 3) for before, after in pairwise(marks)],
    )
