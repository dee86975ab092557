from matplotlib import pyplot

from core.benchmarks.plot import plot
from core.benchmarks.results import Machine, Report, SpeedRow

MACHINE = Machine("CPU X", 2, 16.0, "Linux", "3.11", "2.14", "2026.4")


def test_a_network_s_bars_lie_around_its_name_however_many_libraries_were_measured(tmp_path, monkeypatch):
    def row(model, library, seconds):
        return SpeedRow(f"t/{model}", library, 0.1, seconds, 3, 0.99, 0.9, [(16, 0.3)], [seconds])

    rows = [row("teacher-vgg19", "twinlens fast", 0.8), row("teacher-vgg19", "pytorch-grad-cam", 80.0)]
    rows += [row("student-ofa595", "pytorch-grad-cam", 40.0)]
    monkeypatch.setattr(pyplot, "close", lambda _figure: None)
    plot(Report(MACHINE, score_cam=rows), tmp_path / "plot.png")
    (axes,) = pyplot.gcf().axes
    middles = {}
    for bars in axes.containers:
        for bar in bars:
            middles[bar.get_width()] = bar.get_y() + bar.get_height() / 2
    assert [label.get_text() for label in axes.get_yticklabels()] == ["VGG19", "OFA-595"]
    assert (middles[0.8] + middles[80.0]) / 2 == 0
    assert middles[0.8] < middles[80.0]
    assert middles[40.0] == 1
    monkeypatch.undo()
    pyplot.close("all")
