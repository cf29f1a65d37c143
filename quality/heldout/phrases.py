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
    }
}


def phrases_of(edition: str, layout: str, usual: Phrases) -> Phrases:
    """The phrases an edition has for a kind of layout; the usual ones if it has none of its own."""
    return _PHRASES.get(edition, {}).get(layout, usual)
