"""Tables, heat maps and DICOM objects."""
