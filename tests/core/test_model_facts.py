from core.catalogue import read_catalogue
from core.model_facts import model_facts


def test_the_page_holds_the_cards_figures_limits_and_rules():
    card = read_catalogue().bundles["chest-xray/student-ofa595"].card
    page = model_facts(card)
    scores = card.scores[0]
    for expected in (
        "Not for diagnosis",
        f"{100 * scores.accuracy:.2f} %",
        f"{100 * scores.accuracy_interval.low:.2f} %",
        f"temperature {card.temperature:.3f}",
        "Non-COVID infection",
        "Age bias",
        "population=adult",
        "68.5 %",
    ):
        assert expected in page
    for heading in ("Summary", "Uses and directions", "Warnings", "Development", "Performance"):
        assert f"\n## {heading}" in page
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert all(row.endswith("|") for row in rows)


def test_a_strangers_card_can_not_mark_anything_up_and_needs_no_scores():
    card = read_catalogue().bundles["chest-xray/student-ofa595"].card
    hostile = "# x\n<img src=http://x> [a](b) | `c` ![d](e)"
    page = model_facts(card.model_copy(update={"licence": hostile, "limits": (hostile,), "scores": ()}))
    assert "<img" not in page.replace("\\<img", "")
    assert "![d]" not in page
    assert "\n# x" not in page
    assert "Not measured." in page
