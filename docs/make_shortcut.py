"""Write docs/shortcut.md: ``python docs/make_shortcut.py [OUT/shortcut.json]``.

The figures are those that ``python -m training shortcut`` wrote; named once, they are kept in ``docs/benchmarks``.
Without any the page states the method alone.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from training.campaign.shortcut_scores import read_scores, scores_page

DOCS = Path(__file__).resolve().parent
FIGURES = DOCS / "benchmarks" / "shortcut.json"
METHOD = """# Students without the shortcut

`python docs/make_shortcut.py` writes this page, from the runs of one command:

```sh
python -m training shortcut --data DIR --out OUT --teacher chest-xray/teacher-vgg19 --assistant chest-xray-assistant
```

Classes and sources of the chest data hang together: most Non-COVID images are of children from one hospital, all
COVID-19 images are of adults. A teacher that tells sources apart scores well, and hands that on to its student
([audit](audit/chest-xray.md), [results by group](results.md#by-group-chest)). The command trains the same student from
the same teachers with each [means against shortcuts](researchers-guide.md#a-student-without-the-shortcut) alone, and
with several together. It scores all of them on the test split: overall, on adults, on NIH ChestX-ray14, the one source
with adults of two classes, and on up to 400 images with the lungs hidden or only the outer border left, as the audit
does it. There a *lower* accuracy is better: whoever answers well without seeing the lungs answers by something else.

A student is called better only if it is so on each group of the validation split without a loss over all its images,
by the mean over the seeds; the test split chooses nothing. Intervals are of 95 %, by patient. The groups were chosen
before any student was trained.

"""
NOTHING = "No run has been made yet.\n"


def main(figures: Path | None = None) -> None:
    """Write the page, with the figures of a file, or with those that are kept."""
    if figures is not None:
        read_scores(figures)  # damaged ones replace nothing
        shutil.copyfile(figures, FIGURES)
    found = scores_page(read_scores(FIGURES)) if FIGURES.is_file() else NOTHING
    (DOCS / "shortcut.md").write_text(METHOD + found, encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
