"""Drift over the weeks: a chart for each figure, with alarms."""
