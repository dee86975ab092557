"""Windows to choose from: the file's own, two from its values, and those that are usual for its modality."""

from __future__ import annotations

from dataclasses import dataclass

from gui.engine.image_pyramid import ScreenPicture

# centre and width in Hounsfield units: OHIF's, and the mediastinum, which chest readers add
CT = {
    "Lung": (-600, 1500),
    "Mediastinum": (50, 350),
    "Bone": (480, 2500),
    "Soft tissue": (40, 400),
    "Brain": (40, 80),
}
FIXED, MOST = 3, 9  # presets that every image has; keys that there are


@dataclass(frozen=True)
class Preset:
    """A window.

    Attributes:
        name: for a person.
        tip: what it is, in words.
        window: the pixel values shown black and white, None for the file's own way.
    """

    name: str
    tip: str
    window: tuple[float, float] | None


def presets_of(picture: ScreenPicture | None) -> list[Preset]:
    """Return the windows of an image in the order of their keys, at most ``MOST``.

    The first ``FIXED`` are always there. After those come the file's further windows, as CR and DX files have them,
    and for CT the usual ones.
    """
    found = [
        Preset("From file", "Window and level as the file gives them", None),
        Preset("Full range", "From the lowest to the highest value of the image",
               None if picture is None else picture.full_window),
        Preset("Auto contrast", "Leaves out the darkest and the brightest 0.1 % of the pixels",
               None if picture is None else picture.tail_window),
    ]  # fmt: skip
    if picture is None:
        return found
    shown = 0 if picture.image.lookup is not None else 1  # a look-up table takes precedence over the first window
    for number, (name, window) in list(enumerate(picture.image.windows, start=1))[shown:]:
        tip = f"The file's window {number}: W {window.width:g}, L {window.centre:g}"
        found.append(Preset(name.capitalize() or f"File's window {number}", tip, window.ends()))
    if picture.image.modality == "CT" and picture.image.pixels.ndim == 2:
        for name, (centre, width) in CT.items():
            tip = f"W {width}, L {centre} in Hounsfield units"
            found.append(Preset(name, tip, (centre - width / 2, centre + width / 2)))
    return found[:MOST]
