"""One field of a slide as an image: for the networks, and as a file that keeps its place and its scale."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from core.images.medical_image import MedicalImage
from core.images.region import Region
from core.slides.grid import FIELD_PIXELS
from core.slides.slide import Slide
from core.system.cache import SLIDE_FIELDS


def field_image(slide: Slide, region: Region) -> MedicalImage:
    """Return a region of a slide as networks see it, its longer side at most ``FIELD_PIXELS`` pixels.

    Its path lies beside the slide and states the region (:class:`core.images.region.Region`); no such file is written.
    Its digest is that of its pixels.

    Raises:
        ImageError: if it can't be decoded.
    """
    downsample = max(1.0, max(region.width, region.height) / FIELD_PIXELS)
    height, width = max(1, round(region.height / downsample)), max(1, round(region.width / downsample))
    pixels = slide.read_region(region, height, width)
    spacing = None
    if slide.mpp is not None:
        across, down = slide.mpp
        spacing = (down * region.height / height / 1000, across * region.width / width / 1000)
    return MedicalImage(
        pixels=pixels,
        path=slide.path.with_name(field_name(slide.path, region, downsample)),
        format=slide.format,
        digest=hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest(),
        bits=8,
        spacing=spacing,
        pixel_aspect=1.0 if spacing is None else spacing[0] / spacing[1],
        modality="SM",
    )


def field_name(slide: Path, region: Region, downsample: float) -> str:
    """Return what a field's file is called, as QuPath calls exported tiles."""
    return f"{slide.stem} {region.statement(downsample)}.ome.tif"


def save_field(slide: Slide, region: Region) -> Path:
    """Write a region of a slide as an OME-TIFF file that states its scale, and return where it is.

    It is the image of :func:`field_image`, without loss. The same region of the same slide is the same file.

    Raises:
        ImageError: if it can't be decoded.
        WriteError: if it can't be written.
    """
    import tifffile

    image = field_image(slide, region)
    folder = hashlib.sha256(str(slide.path).encode(errors="surrogateescape")).hexdigest()[:12]
    metadata: dict[str, object] = {"axes": "YXS", "Name": image.path.name}
    if image.spacing is not None:
        for axis, spacing in zip("YX", image.spacing, strict=True):
            metadata |= {f"PhysicalSize{axis}": 1000 * spacing, f"PhysicalSize{axis}Unit": "µm"}
    key = f"{folder}/{image.path.name}"
    with SLIDE_FIELDS.new(key) as place:
        tifffile.imwrite(
            place, image.pixels, ome=True, photometric="rgb", compression="adobe_deflate", predictor=True,
            metadata=metadata,
        )  # fmt: skip
    return SLIDE_FIELDS.entry(key)
