"""What every card of a task says about its use, its data and what must be said beside its scores."""

from __future__ import annotations

USE = {
    "chest-xray": "Research on knowledge distillation and on heat maps over frontal chest radiographs. Not for "
    "diagnosis, triage or any decision about a patient.",
    "lung-colon": "Research on knowledge distillation and on heat maps over H&E tiles of lung and colon. Not for "
    "diagnosis or any decision about a patient.",
}
LIMITS = {
    "chest-xray": (
        "It knows three answers only and gives one of them to any image, also to one that is no chest radiograph.",
        "Source bias: on the same test images a linear model that sees only the outer border of a 32×32 thumbnail, no "
        "lung, scores 68.5 % (chance is 33 %). Part of any score may come from such shortcuts.",
        "Age bias: 82 % of the Non-COVID and 51 % of the Normal images are of small children, while all COVID-19 "
        "images are of adults as far as is known.",
        "COVID-19 stands for a clinical or PCR label; some of those films show no visible disease. NIH labels are "
        "text-mined.",
        "What it answers with lungs, border or markers hidden is measured in docs/audit/chest-xray.md.",
    ),
    "lung-colon": (
        "It knows five answers only and gives one of them to any image, also to one that is no such tissue.",
        "LC25000 holds 1,250 original tiles augmented about twenty times each; patients, slides and scanners are not "
        "published, so a score on it says little about another laboratory's slides.",
        "The validation split has tiles of 188 originals only, so that the plausible classes may hold the right one "
        "some 3 percentage points more or less often than promised.",
        "What it answers with parts or colours hidden is measured in docs/audit/lung-colon.md.",
    ),
}
DATA = {
    "chest-xray": "8,476 frontal chest radiographs of the public ingredients of COVID-QU-Ex, split by patient and "
    "near-duplicate; 5,863 for training",
    "lung-colon": "5,000 LC25000 tiles, split by original tile; 3,479 for training",
}
CAUTION = {
    "chest-xray": "A linear model on the image border alone reaches 68.5 % on this split.",
    "lung-colon": "Tiles of the split come from the same unpublished slides and laboratory as the training tiles.",
}
LICENCE = "MIT; trained on public images under their own licences, none of which is included"
