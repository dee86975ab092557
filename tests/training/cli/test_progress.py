import io

from training.cli.progress import Follower
from training.loop import events


class Terminal(io.StringIO):
    def isatty(self):
        return True


def started():
    return events.Started(
        network="OFA-595", starts_from="random weights", parameters=7_600_000, macs=511_000_000, device="cpu",
        precision="no", train_images=70, val_images=30, unreadable=1, teachers=("chest-xray/teacher-vgg19",), epochs=3,
        steps=7, epoch=1, step=2, notes=("a note",),
    )  # fmt: skip


def test_a_terminal_shows_a_bar_and_the_lines_stay_on_standard_output(monkeypatch, capsys):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    with Follower() as follow:
        follow(events.Preparing("Decoding images", 70, 70))
        follow(started())
        follow(events.StepDone(1, 4, 7, 0.5, 34.2, 3690.0))
    drawn = screen.getvalue()
    for part in ("Epoch 2 of 3", "4/7", "34 images/s, run ends in 1:01:30"):
        assert part in drawn
    lines = capsys.readouterr().out
    assert "Resumes in epoch 2, after 2 of 7 steps" in lines
    assert "1 images can't be read" in lines
    assert "Note: a note" in lines


def test_without_a_terminal_there_are_only_lines(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    with Follower() as follow:
        follow(started())
        follow(events.StepDone(1, 4, 7, 0.5, 34.2, 3690.0))
        follow(events.Ended("stopped", "enough", "runs/a"))
    assert capsys.readouterr().out.splitlines()[-1] == "stopped: runs/a (enough)"
