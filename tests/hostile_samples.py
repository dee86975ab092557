"""Healthy files of every kind for the fuzzer to change, and files that were made by hand to do harm."""

from __future__ import annotations

import io
import struct
import zlib

import imagecodecs
import numpy as np
import pydicom
import tifffile
from image_samples import COMPRESSIONS, compressed, dataset, dicom_bytes, encoded, picture
from PIL import Image, ImageCms, PngImagePlugin
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian


def healthy():
    """Files that open, by kind."""
    grey, deep, colour = picture(), picture(16), picture(8, True)
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "x" * 200, zip=True)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    kinds = {
        "PNG": encoded(colour, "PNG", icc_profile=profile, pnginfo=text),
        "PNG 16": encoded(deep, "PNG"),
        "PNG 16 colour": _opencv(picture(16, True), ".png"),
        "PNG palette": _palette("PNG"),
        "JPEG": encoded(colour, "JPEG"),
        "JPEG progressive": encoded(colour, "JPEG", progressive=True, exif=_exif()),
        "JPEG grey": encoded(grey, "JPEG"),
        "TIFF": encoded(colour, "TIFF"),
        "TIFF 16": encoded(deep, "TIFF"),
        "TIFF 16 colour": _opencv(picture(16, True), ".tiff"),
        "TIFF float": encoded(deep.astype(np.float32), "TIFF"),
        "TIFF pages": encoded(grey, "TIFF", save_all=True, append_images=[Image.fromarray(grey)] * 2),
        "BMP": encoded(colour, "BMP"),
        "BMP palette": _palette("BMP"),
        "DICOM": dicom_bytes(full_dataset()),
        "DICOM signed": dicom_bytes(dataset(deep.astype(np.int16), signed=True, RescaleSlope=2, RescaleIntercept=-9)),
        "DICOM colour": dicom_bytes(dataset(colour)),
        "DICOM palette": dicom_bytes(_palette_dataset()),
        "DICOM without preamble": dicom_bytes(dataset(grey), preamble=False),
    }
    for compression in ("zstd", "lerc", "png", "jpegxl", "webp", "jpeg", "lzw"):
        kinds[f"TIFF tiles {compression}"] = _tiff(colour, photometric="rgb", tile=(16, 16), compression=compression)
    kinds |= {
        "BigTIFF": _tiff(colour, photometric="rgb", bigtiff=True),
        "TIFF planes": _tiff(np.moveaxis(colour, -1, 0), photometric="rgb", planarconfig="separate"),
        "TIFF inks": _tiff(np.dstack([colour, grey]), photometric="separated", compression="adobe_deflate"),
        "TIFF palette": _palette("TIFF"),
        "OME-TIFF": _tiff(np.moveaxis(colour, -1, 0), photometric="minisblack", ome=True, metadata={"axes": "CYX"}),
        "TIFF JPEG 2000": _tiff(colour, photometric="rgb", compression="jpeg2000"),
        "JPEG 2000": imagecodecs.jpeg2k_encode(colour, level=0),
        "JPEG 2000 16": imagecodecs.jpeg2k_encode(deep, level=0),
        "JPEG XL": imagecodecs.jpegxl_encode(colour, distance=1.0),
        "JPEG XL 16": imagecodecs.jpegxl_encode(deep, lossless=True),
        "WebP": encoded(colour, "WEBP"),
        "WebP lossless": encoded(colour, "WEBP", lossless=True),
        "PNG with a profile": encoded(colour, "PNG", icc_profile=imagecodecs.cms_profile("adobergb")),
    }
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"):
        kinds[f"TIFF {compression}"] = encoded(colour, "TIFF", compression=compression)
    kinds["TIFF group4"] = _saved(Image.fromarray(grey > 128), "TIFF", compression="group4")
    for syntax in (ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian):
        data = full_dataset()
        data.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            data.PixelData = picture(12).astype(">u2").tobytes()
        kinds[f"DICOM {syntax.name}"] = dicom_bytes(data)
    for kind in COMPRESSIONS:
        kinds[f"DICOM {kind}"] = compressed(dataset(grey), kind)
        kinds[f"DICOM {kind} colour"] = compressed(dataset(colour), kind)
        if kind != "JPEG baseline":
            kinds[f"DICOM {kind} 16"] = compressed(dataset(deep), kind)
    return kinds


def full_dataset():
    """A 12-bit data set with most of what is read of a file: window, table, padding, spacing."""
    table = pydicom.Dataset()
    table.LUTDescriptor = [4096, 0, 12]
    table["LUTDescriptor"].VR = "US"
    table.LUTData = np.arange(4096, dtype=np.uint16).tobytes()
    table["LUTData"].VR = "OW"
    data = dataset(
        picture(12), bits=12, WindowCenter=[2000, 100], WindowWidth=[3000, 10], PixelSpacing=[0.2, 0.1],
        PixelPaddingValue=0, NumberOfFrames=1,
    )  # fmt: skip
    data["PixelPaddingValue"].VR = "US"
    data.VOILUTSequence = [table]
    return data


def _palette_dataset():
    data = dataset(picture(), photometric="PALETTE COLOR")
    for name in ("Red", "Green", "Blue"):
        setattr(data, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        data[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
        setattr(data, f"{name}PaletteColorLookupTableData", np.arange(0, 65536, 256, dtype=np.uint16).tobytes())
    return data


def _tiff(pixels, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **{"metadata": None, **options})
    return stream.getvalue()


def _opencv(pixels, extension):
    import cv2

    return cv2.imencode(extension, pixels)[1].tobytes()


def _palette(kind):
    return _saved(Image.fromarray(picture(8, True)).quantize(16), kind)


def _saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _exif():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a description"
    return exif


def chunk(name, content):
    """A PNG chunk."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_with(*chunks, size=None):
    """A PNG with further chunks after its header, and another size in it if one is given."""
    whole = encoded(picture(), "PNG")
    head = whole[8:33] if size is None else chunk(b"IHDR", struct.pack(">II", *size) + whole[24:29])
    return whole[:8] + head + b"".join(chunks) + whole[33:]


def tiff(*entries, following=0, body=b""):
    """A little-endian TIFF of one directory; entries are (tag, type, count, value)."""
    packed = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + struct.pack("<I", following) + body


GREY_TIFF = [(256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8),
             (277, 3, 1, 1), (278, 4, 1, 8), (279, 4, 1, 64)]  # fmt: skip


def nested(depth):
    """A data set whose look-up table sequence nests this deep."""
    whole = dicom_bytes(dataset(picture()))
    at = whole.index(b"\xe0\x7f\x10\x00")
    opening = b"\x28\x00\x10\x30SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return whole[:at] + opening * depth + whole[at:]


def deflated_bomb(megabytes):
    """A deflated data set whose one element is as many megabytes of zeros."""
    data = dataset(picture())
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    whole = dicom_bytes(data)
    start = 144 + int.from_bytes(whole[140:144], "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = [packer.compress(b"\x09\x00\x10\x00OB\0\0" + struct.pack("<I", megabytes << 20))]
    packed += [packer.compress(bytes(1 << 20)) for _ in range(megabytes)]
    return whole[:start] + b"".join(packed) + packer.flush()


def bombs():
    """Files made by hand to do harm, by what they try."""
    zeros = zlib.compress(bytes(80_000_000), 9)
    return {
        "PNG iCCP bomb": png_with(chunk(b"iCCP", b"p\0\0" + zeros)),
        "PNG zTXt bomb": png_with(*[chunk(b"zTXt", b"k\0\0" + zeros)] * 20),
        "PNG iTXt bomb": png_with(*[chunk(b"iTXt", b"k\0\1\0\0\0" + zeros)] * 20),
        "PNG of 14000 x 14000 in a kilobyte": png_with(size=(14000, 14000)),
        "TIFF whose directory follows itself": tiff(*GREY_TIFF, following=8, body=bytes(64)),
        "TIFF whose directories follow each other": tiff(*GREY_TIFF, following=0, body=bytes(64))[:-64] + bytes(64),
        "TIFF with a billion strips": tiff(*[e for e in GREY_TIFF if e[0] not in (273, 279)],
                                           (273, 4, 0x3FFFFFFF, 8), (279, 4, 0x3FFFFFFF, 8)),
        "TIFF with a billion bits per sample": tiff(*[e for e in GREY_TIFF if e[0] != 258], (258, 3, 0x3FFFFFFF, 8)),
        "TIFF with 65535 samples": tiff(*[e for e in GREY_TIFF if e[0] != 277], (277, 3, 1, 65535), body=bytes(64)),
        "TIFF with rows per strip of zero": tiff(*[e for e in GREY_TIFF if e[0] != 278], (278, 4, 1, 0)),
        "TIFF of 16-bit colour and huge": tiff(
            (256, 4, 1, 14000), (257, 4, 1, 14000), (258, 3, 1, 16), (259, 3, 1, 5), (262, 3, 1, 2), (273, 4, 1, 8),
            (277, 3, 1, 3), (278, 4, 1, 14000), (279, 4, 1, 64), body=bytes(64)),
        "BMP of 14000 x 14000 in a kilobyte": _large_bmp(),
        "DICOM nested 50 deep": nested(50),
        "DICOM nested 5000 deep": nested(5000),
        "DICOM nested 100000 deep": nested(100_000),
        "DICOM deflated bomb": deflated_bomb(1700),
        "DICOM of 14000 x 14000 in a kilobyte": dicom_bytes(dataset(picture(), Rows=14000, Columns=14000)),
        "DICOM with many samples": dicom_bytes(dataset(picture(), SamplesPerPixel=65535)),
        "DICOM with no bits": dicom_bytes(dataset(picture(), BitsAllocated=0, BitsStored=0)),
        "DICOM RLE of 14000 x 14000": as_if_huge(compressed(dataset(picture()), "RLE")),
        **{f"DICOM {kind} of 14000 x 14000": as_if_huge(compressed(dataset(picture()), kind))
           for kind in ("JPEG baseline", "JPEG lossless", "JPEG-LS lossless", "JPEG 2000 lossless")},
    }  # fmt: skip


def as_if_huge(file):
    """A compressed DICOM file that says 14000 x 14000 both in its header and in its codestream."""
    rows, columns, large = struct.pack("<H", 40), struct.pack("<H", 56), struct.pack("<H", 14000)
    file = file.replace(b"\x28\x00\x10\x00US\x02\x00" + rows, b"\x28\x00\x10\x00US\x02\x00" + large)
    file = file.replace(b"\x28\x00\x11\x00US\x02\x00" + columns, b"\x28\x00\x11\x00US\x02\x00" + large)
    file = file.replace(struct.pack(">HH", 40, 56), struct.pack(">HH", 14000, 14000))
    return file.replace(struct.pack(">II", 56, 40), struct.pack(">II", 14000, 14000))


def _large_bmp():
    content = bytearray(encoded(picture(), "BMP"))
    content[18:26] = struct.pack("<ii", 14000, 14000)
    return bytes(content)
