"""CHAI's card against CHAI's own schema: by a small reader of it here, and by xmlschema where that is installed."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pypdf
import pytest
from pdf_texts import pdf_text, pressed

from core.errors import UsageError
from core.models.catalogue import read_catalogue
from core.reports.chai_card import NAMESPACE, chai_blocks, chai_xml, write_chai_card
from core.reports.document import Entries

SCHEMA = Path(__file__).resolve().parents[3] / "assets" / "chai" / "schema-v0.2.xsd"
XS, MC = "{http://www.w3.org/2001/XMLSchema}", f"{{{NAMESPACE}}}"
NAMES = sorted(read_catalogue().bundles)
SIGNATURE = (
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.w3.org/2000/09/xmldsig#">'
    '<xs:element name="Signature"/></xs:schema>'
)


def card_of(name):
    return read_catalogue().bundles[name].card


def unmeasured():
    card = card_of("chest-xray/student-ofa595")
    return card.model_copy(update={"scores": (), "limits": ("a\x00b \ud800 <x>&",), "intended_use": "not stated"})


def parsed(xml):
    return ElementTree.fromstring(xml)  # noqa: S314 - our own


def faults(xml):
    """What in a document is not as the schema's sequences have it."""
    schema = parsed(SCHEMA.read_bytes())
    types = {found.get("name"): found for found in schema.iter(f"{XS}complexType")}
    found = []

    def check(element, kind, place):
        sequence = kind.find(f"{XS}sequence")
        repeated = sequence.get("maxOccurs") == "unbounded"
        children = list(element)
        for declared in sequence:
            name = declared.get("name")
            if name is None:
                continue  # a signature of another namespace, optional
            same = []
            while children and children[0].tag == f"{MC}{name}":
                same.append(children.pop(0))
            least = 0 if repeated else int(declared.get("minOccurs", 1))
            most = 10**9 if repeated or declared.get("maxOccurs") == "unbounded" else 1
            if not least <= len(same) <= most:
                found.append(f"{place}/{name}: {len(same)} times")
            for one in same:
                if declared.get("type") == "xs:string":
                    found.extend([f"{place}/{name} has elements"] if len(one) else [])
                else:
                    check(one, types[declared.get("type").removeprefix("mc:")], f"{place}/{name}")
        found.extend(f"{place}: {left.tag} is out of place" for left in children)

    root = parsed(xml)
    assert root.tag == f"{MC}AppliedModelCard"
    check(root, schema.find(f"{XS}element/{XS}complexType"), "")
    return found


@pytest.mark.parametrize("name", NAMES)
def test_installed_cards_are_valid(name):
    assert faults(chai_xml(card_of(name))) == []


def test_a_card_without_scores_is_valid_and_says_that_nothing_was_measured():
    xml = chai_xml(unmeasured())
    assert faults(xml) == []
    root = parsed(xml)
    assert root.findtext(f".//{MC}IntendedUseAndWorkflow").startswith("Not known")
    assert root.findtext(f".//{MC}KnownRisksAndLimitations") == "a\ufffdb \ufffd <x>&"
    assert {found.text for found in root.iter(f"{MC}ValueJson")} == {"null"}
    assert {found.text for found in root.iter(f"{MC}Label")} == {"Not known: nothing was measured"}


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (r"<ModelDeveloper>.*</ModelDeveloper>", "", "/BasicInfo/ModelDeveloper: 0 times"),
        (r"<BasicInfo>", "<Extra/><BasicInfo>", "/BasicInfo: 0 times"),
        (r"<FundingSource>", "<FundingSource><b/>", "FundingSource has elements"),
        (r"<Results>(.|\n)*?</Results>", "<Results/>", "Results/MetricResult: 0 times"),
    ],
)
def test_the_reader_of_the_schema_finds_faults(old, new, fault):
    changed, count = re.subn(old, new, chai_xml(card_of(NAMES[0])), count=1)
    assert count == 1
    assert any(fault in found for found in faults(changed))


@pytest.mark.parametrize("name", NAMES)
def test_cards_are_valid_for_xmlschema_too(name, tmp_path):
    xmlschema = pytest.importorskip("xmlschema", reason="xmlschema is not installed (extra 'test')")
    (tmp_path / "signature.xsd").write_text(
        SIGNATURE
    )  # the schema fetches that of signatures, which cards have none of
    remote = "http://www.w3.org/TR/xmldsig-core/xmldsig-core-schema.xsd"
    (tmp_path / "card.xsd").write_text(SCHEMA.read_text(encoding="utf-8").replace(remote, "signature.xsd"))
    schema = xmlschema.XMLSchema(str(tmp_path / "card.xsd"))
    schema.validate(chai_xml(card_of(name)))
    assert not schema.is_valid(chai_xml(card_of(name)).replace("FundingSource", "Funding"))


def test_figures_are_the_cards():
    card = card_of("chest-xray/student-ofa595")
    scores = card.scores[0]
    root = parsed(chai_xml(card))
    results = {
        found.findtext(f"{MC}Label"): json.loads(found.findtext(f"{MC}ValueJson"))
        for found in root.iter(f"{MC}MetricResult")
    }
    accuracy = results["Accuracy"]
    assert (accuracy["kind"], accuracy["level"], accuracy["unit"]) == ("estimate_ci", 95, "%")
    wanted = (scores.accuracy, scores.accuracy_interval.low, scores.accuracy_interval.high)
    assert [accuracy["estimate"], accuracy["lower"], accuracy["upper"]] == pytest.approx(
        [100 * v for v in wanted], abs=0.005
    )
    assert results["Expected calibration error"] == {"kind": "single", "value": scores.ece}
    for group in scores.groups:
        assert results[f"Accuracy, {group.group}"]["estimate"] == pytest.approx(100 * group.accuracy, abs=0.005)
    assert root.findtext(f".//{MC}ReleaseDate") == card.training.made_on.isoformat()


def test_the_pdf_says_all_that_the_xml_says_and_holds_it(tmp_path):
    card = card_of("chest-xray/student-ofa595")
    for suffix in ("xml", "md", "pdf"):
        write_chai_card(tmp_path / f"card.{suffix}", card)
    xml = (tmp_path / "card.xml").read_text(encoding="utf-8")
    assert xml == chai_xml(card)
    text = pdf_text(tmp_path / "card.pdf")
    leaves = [e for e in parsed(xml).iter() if not len(e) and e.text and e.tag != f"{MC}ValueJson"]
    assert len(leaves) > 60
    assert [leaf.tag for leaf in leaves if pressed(leaf.text) not in text] == []
    information = pypdf.PdfReader(tmp_path / "card.pdf", strict=True).metadata
    assert information["/chaiMcXml"] == xml
    assert information["/chaiMcSoftwareId"].startswith("Twinlens ")
    assert information.title == "Twinlens: CHAI model card of OFA-595 (student), Chest X-ray"
    page = (tmp_path / "card.md").read_text(encoding="utf-8")
    score = card.scores[0]
    low, high = (f"{100 * value:.4g}" for value in (score.accuracy_interval.low, score.accuracy_interval.high))
    assert f"| Accuracy | {100 * score.accuracy:.4g} % (95 %: {low} to {high} %) |" in page
    with pytest.raises(UsageError, match=r"\.docx"):
        write_chai_card(tmp_path / "card.docx", card)


def test_names_of_elements_become_words():
    names = {e.topic for block in chai_blocks(card_of(NAMES[0])) if isinstance(block, Entries) for e in block.rows}
    assert {"Model type", "Output and input data types", "Release version"} <= names
