import json

from evaluation_samples import evaluation, scores, subgroup

from training.campaign.results import read_results, results_page
from training.data.border_scores import ProbeScores
from training.evaluation.run_evaluation import write_evaluation


def write_run(out, name, accuracy, seed, teacher="", of_these_weights=True):
    folder = out / "chest-xray" / name
    folder.mkdir(parents=True)
    about = {
        "role": "student", "network": "ofa595", "seed": seed, "parameters": 7_603_539, "macs": 511_330_288,
        "val": {"accuracy": accuracy - 0.01}, "weights_sha256": name, "teachers": [{"id": teacher}] if teacher else [],
        "started_from": "random weights", "seconds": 1234.0,
    }  # fmt: skip
    measured = evaluation(
        scores(accuracy, accuracy), (accuracy - 0.02, accuracy + 0.02), subgroups={"population=adult": subgroup(0.881)},
        weights_sha256=name if of_these_weights else "other", border=ProbeScores(0.6854, 0.7, 0.4, 100, 100),
    )  # fmt: skip
    (folder / "environment.json").write_text(json.dumps({"processor": "a processor of a test"}))
    (folder / "run.json").write_text(json.dumps(about))
    write_evaluation(folder, out, measured)


def test_the_page_says_by_how_much_students_of_a_teacher_are_better_seed_by_seed(tmp_path):
    for seed, alone, taught in ((0, 0.90, 0.91), (1, 0.89, 0.91), (2, 0.91, 0.90)):
        write_run(tmp_path, f"alone-{seed}", alone, seed)
        write_run(tmp_path, f"taught-{seed}", taught, seed, "chest-xray/teacher-vgg19@0123456789ab")
    write_run(tmp_path, "stale", 0.99, 3, of_these_weights=False)
    results = read_results(tmp_path)
    assert len(results) == 6
    page = results_page(results)
    row = (
        "| taught-1 | OFA-595 | VGG19 | random weights | 1 | 7.60 M | 0.511 | 90.00 % | 91.00 % (89.0–93.0) "
        "| 91.00 % | 0.031 | 21 |"
    )
    assert row in page.splitlines()
    assert "| population=adult | 88.10 % | 88.10 % | 88.10 % | 88.10 % | 88.10 % | 88.10 % |" in page
    assert "Trained on a processor of a test." in page
    assert "Distilled from VGG19, the student scores +0.67 points against training without a teacher" in page
    assert "(3 seeds: +1.00, +2.00, -1.00)" in page
    assert "border of the images scores 68.54 %" in page
