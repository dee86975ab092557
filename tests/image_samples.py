"""Makes image files of every kind that Twinlens opens, from one small picture."""

from __future__ import annotations

import io
from pathlib import Path

import gdcm
import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
    generate_uid,
)

HEIGHT, WIDTH = 40, 56


def picture(bits=8, colour=False, seed=0):
    """A smooth picture with some noise; (H, W) or (H, W, 3)."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    base = (np.sin(rows / 9) + np.cos(columns / 13) + 2) / 4
    if colour:
        base = np.stack([base, 1 - base, np.roll(base, 11, axis=1)], axis=-1)
    noisy = np.clip(base + random.normal(0, 0.02, base.shape), 0, 1)
    return np.rint(noisy * (2**bits - 1)).astype(np.uint8 if bits <= 8 else np.uint16)


def encoded(pixels, kind, **options):
    """The bytes of a PNG, JPEG, TIFF or BMP file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def dataset(pixels, *, bits=None, photometric=None, signed=False, **elements):
    """An uncompressed single-frame data set; further elements by keyword."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    data.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["twinlens"])
    data.SOPClassUID = CTImageStorage if signed else DigitalXRayImageStorageForPresentation
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID
    data.Modality = "DX"
    data.PatientName = "PLANTED^NAME"
    data.PatientID = "PLANTED-ID"
    data.PatientBirthDate = "19520304"
    data.AccessionNumber = "PLANTED-ACC"
    data.Rows, data.Columns = pixels.shape[:2]
    data.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    if pixels.ndim == 3:
        data.PlanarConfiguration = 0
    data.PhotometricInterpretation = photometric or ("MONOCHROME2" if pixels.ndim == 2 else "RGB")
    data.BitsAllocated = 8 * pixels.dtype.itemsize
    data.BitsStored = bits or data.BitsAllocated
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(signed)
    data.PixelData = pixels.tobytes()
    data["PixelData"].VR = "OB" if data.BitsAllocated == 8 else "OW"
    for name, value in elements.items():
        setattr(data, name, value)
    return data


def dicom_bytes(data, *, preamble=True):
    """The bytes of a DICOM file."""
    syntax = data.file_meta.TransferSyntaxUID
    stream = io.BytesIO()
    pydicom.dcmwrite(
        stream,
        data,
        enforce_file_format=True,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
    )
    written = stream.getvalue()
    if preamble:
        return written
    start = 144 + int.from_bytes(written[140:144], "little")
    return written[start:]


def compressed(data, kind):
    """The bytes of a DICOM file in a compressed transfer syntax; ``kind`` is a key of ``COMPRESSIONS``."""
    if kind == "RLE":
        data.compress(RLELossless, generate_instance_uid=False)
    elif kind == "JPEG 2000 lossless":
        data.compress(JPEG2000Lossless, generate_instance_uid=False)
    elif kind == "JPEG 2000":
        data.compress(JPEG2000, j2k_cr=[4], generate_instance_uid=False)
    elif kind == "JPEG baseline":
        pixels = np.frombuffer(data.PixelData, np.uint8).reshape(data.Rows, data.Columns, -1)
        stream = encoded(pixels.squeeze(), "JPEG", quality=95, subsampling=0)
        if data.SamplesPerPixel == 3:
            data.PhotometricInterpretation = "YBR_FULL_422"
        data.PixelData = encapsulate([stream])
        data["PixelData"].is_undefined_length = True
        data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    else:
        return _by_gdcm(dicom_bytes(data), kind)
    return dicom_bytes(data)


def _by_gdcm(file, kind):
    syntax = {
        "JPEG lossless": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
        "JPEG-LS lossless": gdcm.TransferSyntax.JPEGLSLossless,
    }[kind]
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.dcm", Path(folder) / "out.dcm"
        source.write_bytes(file)
        reader = gdcm.ImageReader()
        reader.SetFileName(str(source))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(target))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return target.read_bytes()


# the largest difference of a decoded value from the picture, as a share of the full range
COMPRESSIONS = {
    "RLE": 0,
    "JPEG baseline": 0.08,
    "JPEG lossless": 0,
    "JPEG-LS lossless": 0,
    "JPEG 2000 lossless": 0,
    "JPEG 2000": 0.06,
}
