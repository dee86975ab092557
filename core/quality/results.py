"""What was measured of each image, and the file that it is added to, so that a run that was stopped resumes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from core.errors import UsageError
from core.system.atomic_files import cannot_write, make_folder

MEASURED = "measured.jsonl"


@dataclass(frozen=True)
class MapResult:
    """What was measured of one heat map.

    Attributes:
        values: figures by the keys of ``core.quality.measures``; one that does not exist, e.g. because the map is zero
            everywhere, is left out.
        curves: probabilities of the explained class by what was done to the image, and ``randomised``, the similarity
            at each stage of the cascade.
        seconds: to make the map.
        error: why there is none, else an empty string.
    """

    values: dict[str, float] = field(default_factory=dict)
    curves: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class ImageResult:
    """What was measured of one image with one model.

    Attributes:
        model: identifier of the bundle.
        image: path of the image within the data folder.
        label: its class, None where it is not known.
        predicted: the class that the model predicts, which the maps explain.
        probability: that class's probability.
        maps: the maps by method.
        costly: whether stability and random weights were measured, if they were asked for.
        seconds: for all of it.
        error: why the image could not be measured, else an empty string.
    """

    model: str
    image: str
    label: str | None
    predicted: str = ""
    probability: float = 0.0
    maps: dict[str, MapResult] = field(default_factory=dict)
    costly: bool = False
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Settings:
    """What results depend on; those of other settings are not mixed.

    Attributes:
        data: the data folder.
        models: SHA-256 of the weights, by the model's identifier.
        methods: identifiers of the explainers.
        groups: groups of measures.
        runtime: which runtime was asked for.
        exhaustive: whether the costly measures are made of all methods.
        version: of Twinlens.
    """

    data: str
    models: dict[str, str]
    methods: tuple[str, ...]
    groups: tuple[str, ...]
    runtime: str
    exhaustive: bool
    version: str


class ResultStore:
    """Results of a run, in a file of a folder or in memory only.

    The file holds the settings and then one result a line. A line that was not written to its end, because the process
    was killed, is dropped.

    Args:
        folder: where the file lies; it is made. None: nothing is written.
        settings: what the results depend on.

    Raises:
        UsageError: if the folder holds results of other settings.
        WriteError: if the folder can't be written to.
    """

    def __init__(self, folder: Path | None, settings: Settings) -> None:
        self._path = None if folder is None else make_folder(folder) / MEASURED
        self._found: dict[tuple[str, str], ImageResult] = {}
        if self._path is None:
            return
        try:
            text = self._path.read_bytes() if self._path.exists() else b""
            whole = text[: text.rfind(b"\n") + 1]
            if whole:
                self._read(whole.decode("utf-8"), settings)
            if len(whole) < len(text):
                with self._path.open("r+b") as file:
                    file.truncate(len(whole))
            if not whole:
                self._append(asdict(settings))
        except OSError as cause:
            raise cannot_write(self._path, cause) from cause

    def get(self, model: str, image: str, *, costly: bool) -> ImageResult | None:
        """Return a result, or None if it is still to be measured; one that could not be is tried again."""
        found = self._found.get((model, image))
        return None if found is None or found.error or (costly and not found.costly) else found

    def add(self, result: ImageResult) -> None:
        """Keep a result, in place of an earlier one of the same image and model.

        Raises:
            WriteError: if it can't be written, e.g. because the disk is full.
        """
        self._found[result.model, result.image] = result
        if self._path is not None:
            try:
                self._append(asdict(result))
            except OSError as cause:
                raise cannot_write(self._path, cause) from cause

    def _append(self, plain: dict[str, object]) -> None:
        assert self._path is not None  # noqa: S101 - for the type checker
        with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(json.dumps(plain, ensure_ascii=False) + "\n")

    def _read(self, text: str, settings: Settings) -> None:
        first, *lines = text.removesuffix("\n").split("\n")
        try:
            earlier = TypeAdapter(Settings).validate_json(first)
            results = [TypeAdapter(ImageResult).validate_json(line) for line in lines]
        except ValidationError as cause:
            raise UsageError(
                "This is not a file of measured heat maps.", path=self._path, remedy="Choose another folder."
            ) from cause
        if earlier != settings:
            changed = [name for name, value in asdict(settings).items() if getattr(earlier, name) != value]
            raise UsageError(
                f"The folder holds results with other settings ({', '.join(changed)}).",
                path=self._path,
                remedy="Choose another folder, or remove the file.",
            )
        self._found = {(result.model, result.image): result for result in results}
