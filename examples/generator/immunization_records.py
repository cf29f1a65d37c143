"""Immunization records: a child's grid of vaccines and doses, and an adult's plain list."""

from __future__ import annotations

from examples.generator.charts import Chart
from examples.generator.layout import Composer, Look, build
from examples.generator.truth import Sheet

#: The bundle's names → what a clinic prints.
PRINTED_VACCINES = {
    "Hep B, adolescent or pediatric": "Hepatitis B",
    "Hib (PRP-OMP)": "Hib (PRP-OMP)",
    "rotavirus, monovalent": "Rotavirus, monovalent",
    "IPV": "Polio (IPV)",
    "DTaP": "DTaP",
    "Pneumococcal conjugate PCV 13": "Pneumococcal PCV13",
    "Influenza, seasonal, injectable, preservative free": "Influenza, seasonal",
    "varicella": "Varicella",
    "MMR": "MMR",
    "Hep A, ped/adol, 2 dose": "Hepatitis A",
    "meningococcal MCV4P": "Meningococcal MCV4P",
    "Td (adult) preservative free": "Td (adult)",
    "Hep B, adult": "Hepatitis B (adult)",
    "zoster": "Zoster (shingles)",
    "Hep A, adult": "Hepatitis A (adult)",
}
_DOSES = 4
_SITES = ("Left deltoid", "Right deltoid")
_LOTS = ("U6723AA", "K4417BC", "AH92D", "P1185FX", "T20933")


def child_grid(chart: Chart) -> tuple[bytes, Sheet]:
    """One page: a row per vaccine, a column per dose."""
    sheet = Sheet()
    page = Composer(sheet, Look(size=10.2))
    page.letterhead(
        "Plum Cove Pediatrics", "5 Beach Road, Manchester-by-the-Sea, MA 01944 | Tel 978-555-0126", centered=True
    )
    page.title("IMMUNIZATION RECORD")
    page.facts(
        [
            ("Child:", chart.name_reversed, "Date of birth:", chart.us()),
            ("MRN:", chart.mrn, "Sex:", chart.sex.capitalize()),
            ("Provider:", "Erlinda Franecki, MD", "Printed:", "11/24/2020"),
        ]
    )
    doses: dict[str, list[str]] = {}
    for day, name in chart.vaccines:
        doses.setdefault(PRINTED_VACCINES[name], []).append(day)
    rows = []
    for name, days in doses.items():
        for day in days:
            sheet.immunization(name, day)
        rows.append([name, *(chart.us(day) for day in days), *[""] * (_DOSES - len(days))])
    page.table(("Vaccine", "Dose 1", "Dose 2", "Dose 3", "Dose 4"), rows, (2.3, 1.2, 1.2, 1.2, 1.2))
    page.heading("Allergies")
    page.prose("{a-:No known allergies}.")
    page.heading("Notes")
    page.bullets(
        [
            "No {c-:fever} or {c-:rash} after any dose.",
            "Next due: DTaP and polio boosters at 4 years of age.",
            "This record is accepted by schools and child care centers in Massachusetts.",
        ]
    )
    page.signature("Erlinda Franecki, MD", "11/24/2020", role="Certified by")
    return build(page, footer="Plum Cove Pediatrics - immunization record"), sheet


def adult_list(chart: Chart) -> tuple[bytes, Sheet]:
    """One page without rules: one line per dose, newest first."""
    sheet = Sheet()
    page = Composer(sheet, Look(font="Times-Roman", bold="Times-Bold", size=11))
    page.letterhead("Blackstone Valley Primary Care", "301 Canal Street, Worcester, MA 01604   Tel 508-555-0103")
    page.title("Immunization History")
    page.facts(
        [
            ("Patient", chart.name, "Date of birth", chart.us()),
            ("Record number", chart.mrn, "Sex", chart.sex.capitalize()),
            ("Physician", "Samuel Predovic, MD", "As of", "09/06/2020"),
        ],
        boxed=False,
    )
    rows = []
    for number, (day, name) in enumerate(reversed(chart.vaccines)):
        printed = sheet.immunization(PRINTED_VACCINES[name], day)
        rows.append([chart.us(day), printed, "0.5 mL", _SITES[number % 2], _LOTS[number % len(_LOTS)]])
    page.table(("Date given", "Vaccine", "Amount", "Site", "Lot"), rows, (1.3, 2.5, 0.9, 1.3, 1.1), ruled=False)
    page.heading("Reactions")
    page.prose("{c:Arm soreness^soreness} after Td in 2017. No {c-:anaphylaxis}.")
    page.heading("Allergies")
    page.prose("{a-:No known drug allergies}.")
    page.signature("Samuel Predovic, MD", "09/06/2020")
    return build(page, footer="Blackstone Valley Primary Care"), sheet
