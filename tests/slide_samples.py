"""Whole slides that the tests write: pyramids of a picture whose every pixel tells its place, or of real tissue."""

import numpy as np
import pydicom
import tifffile
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

TILE = 128


def places(width, height):
    """A picture in which red tells the column, green the row, and blue the high bits of both."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns & 255, rows & 255, (columns >> 8) * 16 + (rows >> 8)], axis=-1).astype(np.uint8)


def tissue(width, height, margin=0.25):
    """Real tissue (immunohistochemistry of colon, which scikit-image brings along) in the middle of an empty slide."""
    from skimage.data import immunohistochemistry

    stained = immunohistochemistry()
    slide = np.full((height, width, 3), 244, np.uint8)
    top, left = int(height * margin), int(width * margin)
    down, across = height - 2 * top, width - 2 * left
    repeated = np.tile(stained, (-(-down // stained.shape[0]), -(-across // stained.shape[1]), 1))
    slide[top : top + down, left : left + across] = repeated[:down, :across]
    return slide


def halves(pixels, levels):
    """The picture and ever smaller ones, each the mean of four pixels of the last."""
    found = [pixels]
    for _ in range(levels - 1):
        last = found[-1][: found[-1].shape[0] // 2 * 2, : found[-1].shape[1] // 2 * 2].astype(np.float32)
        rows, columns = last.shape[0] // 2, last.shape[1] // 2
        found.append(last.reshape(rows, 2, columns, 2, 3).mean(axis=(1, 3)).round().astype(np.uint8))
    return found


def write_tiff(path, pixels, levels=3, mpp=None, bigtiff=True, **options):
    """A pyramid in pages one after another, as vips and GDAL write it."""
    options = {"tile": (TILE, TILE), "photometric": "rgb", "compression": "adobe_deflate", "metadata": None, **options}
    if mpp is not None:
        options |= {"resolution": (1e4 / mpp, 1e4 / mpp), "resolutionunit": "CENTIMETER"}
    with tifffile.TiffWriter(path, bigtiff=bigtiff) as file:
        for number, level in enumerate(halves(pixels, levels)):
            file.write(level, subfiletype=1 if number else 0, **options)
    return path


def write_ome(path, pixels, levels=3, mpp=0.5, planar=False, **options):
    """A pyramid in the sub-directories of one page, with its scale in OME metadata."""
    options = {"tile": (TILE, TILE), "photometric": "rgb", "compression": "adobe_deflate", **options}
    options |= {"planarconfig": "separate"} if planar else {}
    metadata = {"axes": "SYX" if planar else "YXS"}
    metadata |= {f"PhysicalSize{a}{b}": v for a in "XY" for b, v in (("", mpp), ("Unit", "µm"))}
    made = [np.moveaxis(level, -1, 0) if planar else level for level in halves(pixels, levels)]
    with tifffile.TiffWriter(path, bigtiff=True, ome=True) as file:
        file.write(made[0], subifds=levels - 1, metadata=metadata, **options)
        for level in made[1:]:
            file.write(level, subfiletype=1, **options)
    return path


def write_svs(path, pixels, levels=2, mpp=0.25, magnification=40):
    """A pyramid as Aperio's scanners write it: what OpenSlide reads is in the description of the first page."""
    made = halves(pixels, levels)
    height, width = made[0].shape[:2]
    options = {"tile": (TILE, TILE), "photometric": "rgb", "compression": "jpeg", "metadata": None}
    options |= {"compressionargs": {"level": 95}}
    with tifffile.TiffWriter(path, bigtiff=False) as file:
        for number, level in enumerate(made):
            size = f"{width}x{height} [0,0 {width}x{height}] ({TILE}x{TILE})"
            size += f" -> {level.shape[1]}x{level.shape[0]} JPEG/RGB Q=95" if number else " JPEG/RGB Q=95"
            words = f"Aperio Image Library v12.0.0\r\n{size}|AppMag = {magnification}|MPP = {mpp}"
            file.write(level, description=words, **options)
            if not number:  # the scanner's own thumbnail, which is no level
                file.write(made[-1][::4, ::4], description=words, **{**options, "tile": None, "rowsperstrip": 16})
    return path


def write_dicom(folder, pixels, levels=2, mpp=0.5):
    """A DICOM whole slide: a file for each level, all of one series, tiles in rows (TILED_FULL)."""
    study, series, frame_of_reference = generate_uid(), generate_uid(), generate_uid()
    paths = []
    for number, level in enumerate(halves(pixels, levels)):
        made = _instance(level, mpp * 2**number, number)
        made.StudyInstanceUID, made.SeriesInstanceUID = study, series
        made.FrameOfReferenceUID, made.InstanceNumber = frame_of_reference, number + 1
        paths.append(folder / f"level{number}.dcm")
        made.save_as(paths[-1], enforce_file_format=True)
    return paths


def _instance(level, mpp, number):
    height, width = level.shape[:2]
    down, across = -(-height // TILE), -(-width // TILE)
    padded = np.full((down * TILE, across * TILE, 3), 255, np.uint8)
    padded[:height, :width] = level
    tiles = padded.reshape(down, TILE, across, TILE, 3).swapaxes(1, 2)
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = pydicom.uid.VLWholeSlideMicroscopyImageStorage
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    made.ImageType = ["ORIGINAL" if not number else "DERIVED", "PRIMARY", "VOLUME", "RESAMPLED" if number else "NONE"]
    made.Modality, made.PatientName, made.PatientID = "SM", "", ""
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, "RGB", 0
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    made.Rows = made.Columns = TILE
    made.NumberOfFrames = down * across
    made.TotalPixelMatrixColumns, made.TotalPixelMatrixRows = width, height
    made.TotalPixelMatrixFocalPlanes = made.NumberOfOpticalPaths = 1
    made.DimensionOrganizationType = "TILED_FULL"
    path, objective = Dataset(), "20"
    path.OpticalPathIdentifier, path.ObjectiveLensPower = "0", objective
    made.OpticalPathSequence = [path]
    measures, shared = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [mpp / 1000, mpp / 1000], 0
    shared.PixelMeasuresSequence = [measures]
    made.SharedFunctionalGroupsSequence = [shared]
    made.PixelData = tiles.tobytes()
    return made
