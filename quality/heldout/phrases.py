"""What the sentences and labels of a layout say in editions that have phrases of their own."""

from __future__ import annotations

from collections.abc import Mapping

#: Choices by list of the record.
Phrases = Mapping[str, tuple[str, ...]]
#: By edition and kind of layout; "{he}" is the patient, "{}" what is said.
_PHRASES: dict[str, dict[str, Phrases]] = {
    "seventh": {
        "visit summary": {
            "conditions": ("Onset date: {}", "On your list since {}"),
            "medications": ("First prescribed: {}", "Ordered on {}"),
            "allergies": ("Added to chart {}", "Reported on {}"),
            "procedures": ("Date of service: {}", "Completed {}"),
            "immunizations": ("Dose given {}", "Date of dose: {}"),
            "results": ("Drawn {}", "Test date: {}"),
        },
        "letter": {
            "conditions": ("{he} has a background of {}.", "{he} carries diagnoses of {}.", "Medical background: {}."),
            "medications": ("{he} is maintained on {}.", "Present medication: {}.", "{he} is currently prescribed {}."),
            "allergies": ("{he} reports reactions to {}.", "{he} should avoid {}.", "Known drug intolerances: {}."),
            "procedures": (
                "{he} has had the following done: {}.",
                "Surgical background: {}.",
                "{he} is s/p {}.",
            ),
            "immunizations": ("{he} has been immunised with {}.", "Vaccines received: {}."),
            "results": ("Blood tests and measurements show {}.", "Of note, {}.", "Figures to hand: {}."),
        },
        "timeline": {
            "conditions": ("New diagnosis", "Problem added"),
            "medications": ("Rx written", "New prescription"),
            "allergies": ("Allergy added", "Reaction noted"),
            "results": ("Lab/Vital", "Test result"),
            "procedures": ("Surgery/Procedure", "Px done"),
            "immunizations": ("Vaccination", "Shot given"),
        },
        "jottings": {
            "conditions": ("Med Hx", "Chronic", "Dxs", "Med Probs"),
            "medications": ("Meds now", "On", "Drugs", "Tx"),
            "allergies": ("Allergy", "Allerg", "A/R", "Rxn to"),
            "results": ("Res", "Bld", "Invx", "Vitals/Labs"),
            "procedures": ("Surg Hx", "Ops", "S/P", "Surg"),
            "immunizations": ("Immun", "Vacc Hx", "Shots", "Vax Hx"),
        },
    },
    "eighth": {
        "visit summary": {
            "conditions": ("Since {}", "Identified {}", "Noted date: {}"),
            "medications": ("Taking since {}", "Order date: {}", "Begin date: {}"),
            "allergies": ("First noted {}", "Verified on {}"),
            "procedures": ("Surgery date: {}", "On {}"),
            "immunizations": ("Vaccinated on {}", "Administered on: {}"),
            "results": ("Resulted on {}", "Collection date: {}"),
        },
        "letter": {
            "conditions": (
                "{he} has been treated for {}.",
                "{he} is under our care for {}.",
                "Relevant history: {}.",
            ),
            "medications": (
                "{he} was sent home on {}.",
                "At present {he} uses {}.",
                "Medicines at discharge: {}.",
            ),
            "allergies": (
                "{he} does not tolerate {}.",
                "Allergies and intolerances include {}.",
                "Please note allergies to {}.",
            ),
            "procedures": ("Operations so far: {}.", "In the past {he} has had {}.", "Procedures performed: {}."),
            "immunizations": ("{he} is immunised against the following: {}.", "Vaccines on record: {}."),
            "results": ("Laboratory values were {}.", "Tests showed {}.", "Results today: {}."),
        },
        "timeline": {
            "conditions": ("Diagnosis made", "Condition identified"),
            "medications": ("Medicine started", "Drug ordered"),
            "allergies": ("Intolerance recorded", "Allergy verified"),
            "results": ("Measurement taken", "Lab value"),
            "procedures": ("Operation", "Procedure completed"),
            "immunizations": ("Vaccine administered", "Immunized"),
        },
        "jottings": {
            "conditions": ("Hx", "Dx list", "Known for", "Prob"),
            "medications": ("Rx now", "Takes", "Meds at home", "Tabs"),
            "allergies": ("All", "NKDA exc.", "Allergic", "Intol"),
            "results": ("Labs today", "Obs", "Bloods", "Nums"),
            "procedures": ("Prev ops", "Procs", "Had", "PSH"),
            "immunizations": ("Vaccs", "Imm", "Vax'd", "Jabs to date"),
        },
    },
}


def phrases_of(edition: str, layout: str, usual: Phrases) -> Phrases:
    """The phrases an edition has for a kind of layout; the usual ones if it has none of its own."""
    return _PHRASES.get(edition, {}).get(layout, usual)
