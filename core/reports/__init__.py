"""The PDF report and the printed model card."""
