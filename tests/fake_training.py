"""Stands in for ``python -m training``: tells the events of a run, and behaves as ``TWINLENS_FAKE`` says.

``finish``, ``hang`` (until it is asked to stop), ``die`` (after the first epoch), ``deaf`` (never stops), ``refuse``
(says why) and ``refuse-publish``.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from training.loop.events import EventFile
from training.runs.folder import RunFolder
from training.runs.lock import owned


def tell(event, **values):
    line = json.dumps({"event": event, **values})
    print(line, flush=True)
    if "--out" in sys.argv:
        with RunFolder(Path(option("--out"))).events.open("a") as file:
            file.write(line + "\n")


def option(name):
    return sys.argv[sys.argv.index(name) + 1]


def row(epoch):
    return {"epoch": epoch, "train_loss": 1.0 / (epoch + 1), "val_loss": 0.9 / (epoch + 1),
            "val_accuracy": 0.6 + 0.1 * epoch, "val_macro_f1": 0.5 + 0.1 * epoch}  # fmt: skip


def write_result(folder, status):
    about = {"status": status, "task": "chest-xray", "role": "student", "network": "ofa595"}
    (folder / "run.json").write_text(json.dumps(about))


def run(how):
    if how == "refuse":
        print("Error: There is not enough of anything. Bring more.", file=sys.stderr)
        return 2
    folder = Path(option("--out"))
    (folder / "stop").unlink(missing_ok=True)
    recipe = Path(option("--recipe"))
    if not (folder / "recipe.toml").exists():
        (folder / "recipe.toml").write_bytes(recipe.read_bytes())
    (folder / "data.json").write_text(json.dumps({"folder": option("--data")}))
    rows = (
        [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        if "--resume" in sys.argv
        else []
    )
    tell("Preparing", what="Decoding images", done=50, total=100)
    tell("Started", network="OFA-595", starts_from="random weights", parameters=7, macs=9, device="cpu", precision="no",
         train_images=70, val_images=30, unreadable=1, teachers=[], epochs=3, steps=7, epoch=len(rows),
         step=0)  # fmt: skip
    for epoch in range(len(rows), 3):
        tell(
            "StepDone", epoch=epoch, step=7, steps=7, loss=1.0 / (epoch + 1), images_per_second=40.0, seconds_left=90.0
        )
        rows.append(row(epoch))
        (folder / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        tell("EpochDone", row=rows[-1], best=True)
        if how == "die":
            print("something on the way out", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        while how == "deaf":
            time.sleep(0.05)
        while how == "hang":
            time.sleep(0.02)
            if (folder / "stop").exists():
                write_result(folder, "stopped")
                tell("Ended", status="stopped", reason="asked to", folder=str(folder))
                return 3
    write_result(folder, "finished")
    tell("Ended", status="finished", reason="", folder=str(folder))
    return 0


def check():
    folder = Path(sys.argv[2])
    if not folder.is_dir():
        print(f"Error: There is no folder {folder}. Name the folder of a data set.", file=sys.stderr)
        return 2
    tell("Preparing", what="Reading", done=1, total=2)
    labels = ("lung_aca", "lung_n") if folder.name == "tiles" else ("COVID-19", "Normal")
    found = ("COVID", "Lung_Opacity", "Normal") if folder.name == "radiography" else labels
    maps = dict(word.split("=") for before, word in zip(sys.argv, sys.argv[1:], strict=False) if before == "--map")
    if folder.name == "radiography":
        labels = tuple(sorted({maps.get(label, label) for label in found} - {""}))
    report = {
        "name": folder.name, "kind": "manifest", "split_made": "its own", "images": 1234,
        "labels": dict.fromkeys(found, 617), "label_map": maps,
        "classes": {label: {"train": 600, "val": 17} for label in labels},
        "findings": [
            {"severity": "error", "code": "leak", "text": "Leaks <here>.", "count": 9, "examples": ["a = b"]},
            {"severity": "note", "code": "x", "text": "A note.", "count": 1, "examples": []},
        ],
    }  # fmt: skip
    print(json.dumps(report, indent=2))
    return 1


def evaluate():
    from evaluation_samples import evaluation, scores

    from training.evaluation.run_evaluation import write_evaluation

    measured = evaluation(scores(), (0.8, 0.95), notes=("only 30 images were scored",))
    write_evaluation(Path(sys.argv[2]), Path(option("--data")), measured)
    print("scored")
    return 0


def main():
    how = os.environ.get("TWINLENS_FAKE", "finish")
    match sys.argv[1]:
        case "outline":
            print(json.dumps({"network": "OFA-595", "parameters": 7_603_539, "macs": 511_330_288}))
            return 0
        case "check-data":
            return check()
        case "evaluate":
            return evaluate()
        case "publish":
            if how == "refuse-publish":
                print("Error: It has been evaluated with other weights.", file=sys.stderr)
                return 1
            (Path(sys.argv[2]) / "published.json").write_text(json.dumps(sys.argv[3:]))
            return 0
        case _:
            folder = RunFolder(Path(option("--out")))
            with owned(folder), EventFile(folder.events):
                return run(how)


if __name__ == "__main__":
    sys.exit(main())
