"""Colours converted from a file's own colour profile to sRGB, which screens show and networks were trained on."""

from __future__ import annotations

import numpy as np

from core.images.medical_image import Pixels

GREY_SAME = 0.05  # a grey profile that changes no value by more than this share needs no notice
LEVELS = 5  # of each channel, in the colours by which a profile is compared with sRGB
SAME = 3 / 255  # a profile that changes none of these by more is sRGB under another name


def to_srgb(pixels: Pixels, profile: bytes | None, notices: list[str]) -> Pixels:
    """Return RGB pixels in sRGB; unchanged where they have no profile, or that of sRGB.

    Args:
        pixels: shape (H, W, 3), uint8 or uint16.
        profile: an ICC profile, or None.
        notices: the list to which notices for the user are added.
    """
    if not profile or pixels.dtype not in (np.uint8, np.uint16):
        return pixels
    import imagecodecs

    target = imagecodecs.cms_profile("srgb")
    levels = np.linspace(0, 255, LEVELS).astype(np.uint8)
    tried = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    try:
        made = imagecodecs.cms_transform(tried, profile, target, colorspace="rgb", outcolorspace="rgb")
        if np.abs(made.astype(int) - tried).max() <= 255 * SAME:
            return pixels
        found = imagecodecs.cms_transform(
            np.ascontiguousarray(pixels), profile, target, colorspace="rgb", outcolorspace="rgb"
        )
    except (imagecodecs.CmsError, ValueError):
        notices.append("The file's colour profile can't be used; colours may differ from what was meant.")
        return pixels
    notices.append("Colours were converted from the file's own colour profile to sRGB.")
    return np.asarray(found)


def note_grey_profile(profile: bytes | None, notices: list[str]) -> None:
    """Add a notice where a file's profile shows its grey values differently from sRGB, as which they are shown.

    Args:
        profile: an ICC profile, or None.
        notices: the list to which notices for the user are added.
    """
    if not profile:
        return
    import imagecodecs

    levels = np.arange(256, dtype=np.uint8).reshape(1, -1)
    try:
        meant = imagecodecs.cms_transform(
            levels, profile, imagecodecs.cms_profile("srgb"), colorspace="gray", outcolorspace="rgb"
        )
        same = bool(np.abs(meant.mean(axis=-1) - levels).max() <= 255 * GREY_SAME)
    except (imagecodecs.CmsError, ValueError):
        same = False
    if not same:
        notices.append("The file's profile of grey values is not applied; its greys may be meant lighter or darker.")
