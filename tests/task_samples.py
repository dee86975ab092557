"""The two tasks that come with the program, by name."""

from core.tasks import get_task

CHEST_XRAY, LUNG_COLON = get_task("chest-xray"), get_task("lung-colon")
