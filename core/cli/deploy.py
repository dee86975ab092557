"""``export``: a model as a file for other programs and small machines."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.deploy.format import Precision
from core.deploy.formats import MODEL_FORMATS
from core.errors import UsageError
from core.names import readable

if TYPE_CHECKING:
    from core.deploy.export import Exported


def _known(name: str) -> str:
    if name not in MODEL_FORMATS:
        raise UsageError(f"There is no format {name!r}.", remedy=f"The formats are {', '.join(MODEL_FORMATS)}.")
    return name


def export(
    model: Annotated[str, typer.Argument(help="A model's identifier, as models lists it, or a bundle's folder.")],
    to: Annotated[str, typer.Option(help=f"Format: {', '.join(MODEL_FORMATS)}.", callback=_known)],
    precision: Annotated[Precision, typer.Option(help="How the weights are stored.")] = "float32",
    out: Annotated[
        Path | None,
        typer.Option(help="The folder that is made, by default named after the model.", file_okay=False),
    ] = None,
    validation: Annotated[
        Path | None,
        typer.Option(help="Labelled images, not trained on, by which int8 is made.", file_okay=False),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(help="Labelled images on which the file is compared and scored.", file_okay=False),
    ] = None,
    images: Annotated[int, typer.Option(min=20, max=2000, help="Take at most so many images of each folder.")] = 300,
    max_loss: Annotated[float, typer.Option(min=0, max=1, help="Largest loss of accuracy, 0.01: 1 of 100.")] = 0.01,
    um_per_pixel: Annotated[
        float | None,
        typer.Option(min=0.01, max=100, help="Physical scale of the training tiles, for QuPath."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, max=256, help="CPU threads.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write a model as a file for other programs and small machines, run and compared on real images."""
    from core.deploy.export import check_order, default_folder, export_model
    from core.deploy.format import Order
    from core.deploy.pictures import labelled_pictures
    from core.models.bundle import read_bundle
    from core.models.catalogue import read_catalogue

    bundle = read_catalogue().bundles.get(model) or read_bundle(Path(model))
    made = MODEL_FORMATS[to]
    folder = out or Path(default_folder(bundle, made, precision))
    check_order(made, precision, folder, has_validation=validation is not None)
    read = [None if place is None else labelled_pictures(place, bundle.card, images) for place in (validation, test)]
    order = Order(bundle, precision, read[0], max_loss, threads)
    found = export_model(order, made, folder, read[1], um_per_pixel, lambda words: typer.echo(f"{words} …", err=True))
    if as_json:
        typer.echo(json.dumps({"folder": str(found.folder), "file": found.file.name, **asdict(found.figures),
                               "notices": found.notices}, indent=2, ensure_ascii=False))  # fmt: skip
    else:
        _print(found)


def _print(found: Exported) -> None:
    figures, compared = found.figures, found.figures.compared
    size, plain = (f"{count / 1e6:.1f} MB" for count in (figures.bytes, figures.bytes_float32))
    typer.echo(f"Written: {readable(found.file)} ({size}; as float32 {plain})")
    typer.echo(
        f"  one image {figures.latency_ms:.1f} ms; as float32 {figures.latency_float32_ms:.1f} ms; "
        f"CPU threads: {figures.threads}"
    )
    typer.echo(
        f"  same class on {compared.same_class} of {compared.images} images ({compared.source}); "
        f"probabilities differ by at most {compared.largest_probability_difference:.2g}"
    )
    for scored in figures.scored:
        typer.echo(
            f"  accuracy on {scored.images} images ({scored.source}) {100 * scored.accuracy:.2f} %, "
            f"before {100 * scored.accuracy_before:.2f} %"
        )
    for notice in found.notices:
        typer.echo(f"  note: {notice}")
