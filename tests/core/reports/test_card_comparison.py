from itertools import groupby

from core.models.catalogue import read_catalogue
from core.reports.card_comparison import compare_cards
from core.reports.document import percent


def card(role="student", task="chest-xray"):
    return read_catalogue().find(task, role).card


def test_a_card_does_not_differ_from_itself():
    found = compare_cards(card(), card())
    assert found
    assert not any(fact.differs for fact in found)
    assert len({(fact.section, fact.name) for fact in found}) == len(found)


def test_a_changed_score_and_licence_are_all_that_differs():
    first = card()
    scores = first.scores[0].model_copy(update={"macro_f1": 0.5, "macro_f1_interval": None})
    second = first.model_copy(update={"licence": "CC0", "scores": (scores, *first.scores[1:])})
    different = [fact for fact in compare_cards(first, second) if fact.differs]
    assert [fact.name for fact in different] == ["Weights", "Macro F1"]
    assert different[0].second.endswith("licence: CC0")
    assert (different[1].section, different[1].second) == (first.scores[0].dataset, percent(0.5))
    assert different[1].first.startswith(percent(first.scores[0].macro_f1))


def test_what_only_one_card_states_stands_in_its_section_beside_a_dash():
    student = card("student")
    teacher = student.model_copy(update={"training": student.training.model_copy(update={"teacher": None})})
    found = {(fact.section, fact.name): fact for fact in compare_cards(teacher, student)}
    distilled = found["Development: training data and method", "Distilled from"]
    assert (distilled.first, distilled.second) == ("–", student.training.teacher)
    sections = [fact.section for fact in compare_cards(teacher, student)]
    assert len([*groupby(sections)]) == len(set(sections))
