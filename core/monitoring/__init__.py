"""Whether analyses change over the weeks: figures of the history, and alarms with a stated rate of false ones."""
