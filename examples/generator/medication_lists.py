"""Medication lists: a ruled one to be photographed, and a digital one in numbered lines."""

from __future__ import annotations

from examples.generator.charts import Chart
from examples.generator.layout import Composer, Look, build
from examples.generator.truth import Sheet

_AFTER_STENT = (
    ("Aspirin", "81 mg", "by mouth", "once daily", "Heart"),
    ("Clopidogrel", "75 mg", "by mouth", "once daily", "Stent"),
    ("Metoprolol succinate", "50 mg", "by mouth", "once daily", "Heart"),
    ("Atorvastatin", "80 mg", "by mouth", "at bedtime", "Cholesterol"),
    ("Lisinopril", "20 mg", "by mouth", "once daily", "Blood pressure"),
    ("Metformin", "1000 mg", "by mouth", "twice daily", "Blood sugar"),
    ("Empagliflozin", "10 mg", "by mouth", "every morning", "Blood sugar"),
    ("Nitroglycerin", "0.4 mg", "sublingual", "as needed", "Chest tightness"),
    ("Pantoprazole", "40 mg", "by mouth", "once daily", "Stomach"),
    ("Acetaminophen", "500 mg", "by mouth", "every 6 hours as needed", "Joints"),
)


def ruled_list(chart: Chart) -> tuple[bytes, Sheet]:
    """One page: the list a clinic hands the patient, in a ruled table."""
    sheet = Sheet()
    page = Composer(sheet, Look(size=10.6))
    page.letterhead("Larch Hill Family Medicine", "12 Market Square, Newburyport, MA 01950 | Tel 978-555-0117")
    page.title("MY MEDICATION LIST")
    page.facts(
        [
            ("Name:", chart.name, "Date of birth:", chart.us()),
            ("MRN:", chart.mrn, "Sex:", chart.sex.capitalize()),
            ("List date:", "12/04/2020", "Reviewed by:", "Annette Legros, MD"),
        ]
    )
    page.labelled("Allergies:", "{a:Sulfamethoxazole-trimethoprim} (rash), {a:Latex} (itching of the hands)")
    page.gap(4)
    rows = [[*sheet.medication(*medicine), purpose] for *medicine, purpose in _AFTER_STENT]
    # "Chest tightness" is what the tablets are for: the one purpose that names a symptom.
    rows[7][4] = "{c:Chest tightness}"
    page.table(("Medication", "Dose", "How to take", "When", "What for"), rows, (1.75, 0.95, 1.15, 1.75, 1.5))
    page.heading("Stopped")
    page.prose("{m:Ibuprofen|400 mg|by mouth|as needed}, stopped 11/13/2020.")
    page.heading("Please remember")
    page.bullets(
        [
            "Bring this list to every visit and show it to your pharmacist.",
            "Do not stop a heart tablet without calling us first.",
        ]
    )
    page.signature("Annette Legros, MD", "12/04/2020", role="Reviewed with the patient by")
    return build(page, footer="Larch Hill Family Medicine"), sheet


def numbered_list(chart: Chart) -> tuple[bytes, Sheet]:
    """One page: an asthma clinic's list, every medicine a sentence."""
    sheet = Sheet()
    page = Composer(sheet, Look(font="Times-Roman", bold="Times-Bold", size=11.5))
    page.letterhead("Harborside Allergy and Asthma Associates", "70 Wharf Street, Boston, MA 02110   Tel 617-555-0188")
    page.title("Medication list")
    page.labelled("Patient:", f"{chart.name}, born {chart.us()}, {chart.sex}")
    page.labelled("Medical record number:", chart.mrn)
    page.labelled("Prepared:", "08/24/2020 by Del Williamson, MD")
    page.labelled("Allergies:", "{a:Shellfish} (hives, swelling of the lips)")
    page.labelled(
        "Diagnoses:",
        "{c:Moderate persistent asthma^asthma^persistent asthma}; {c:allergic rhinitis}; {c:atopic dermatitis}",
    )
    page.heading("Every day")
    page.bullets(
        [
            "{m:Fluticasone-salmeterol|250 mcg-50 mcg|inhaled|twice daily}. Rinse the mouth afterwards.",
            "{m:Montelukast|10 mg|by mouth|at bedtime}.",
            "{m:Fluticasone nasal spray|2 sprays|in each nostril|once daily} from April to October.",
            "{m:Cetirizine|10 mg|by mouth|once daily}.",
            "{m:Triamcinolone 0.1% ointment|thin layer|topical|twice daily} to the elbows, no longer than two weeks.",
        ],
        numbered=True,
    )
    page.heading("When needed")
    page.bullets(
        [
            "{m:Albuterol|2 puffs|inhaled|every 4 hours as needed} for {c~:wheezing} or {c~:chest tightness}.",
            "{m:Epinephrine auto-injector|0.3 mg|intramuscular|as needed} for {c~:anaphylaxis}; then call 911.",
            "{m:Prednisone|40 mg|by mouth|once daily for 5 days} only on our advice.",
        ],
        numbered=True,
    )
    page.heading("No longer taken")
    page.bullets(
        [
            "{m:Fexofenadine|30 mg|by mouth|twice daily}, replaced on 08/24/2020.",
            "{m:Penicillin V potassium|250 mg|by mouth|four times daily}, course finished 04/26/2013.",
        ]
    )
    page.prose("The patient takes no herbal products and no blood thinners.")
    page.signature("Del Williamson, MD", "08/24/2020")
    return build(page, footer="Harborside Allergy and Asthma Associates"), sheet
