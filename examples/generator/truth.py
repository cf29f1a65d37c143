"""Keep the truth of one document while it is written: what is printed is recorded in the same call."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Entry = dict[str, object]
Category = Literal["laboratory", "vital"]

_MARK = re.compile(r"\{(?P<code>[a-z]+[-~]?):(?P<body>[^{}]*)\}")
_OPTIONAL = re.compile(r"\[([^\]]*)\]")

#: What a page prints for "none known", and other fair readings of the same words.
NO_ALLERGIES_ACCEPTED = (
    "known drug allergies",
    "drug allergies",
    "known allergies",
    "allergies",
    "no known allergies",
    "NKDA",
)


@dataclass
class Sheet:
    """The truth of one document.

    Text is written with marks, which ``say`` turns into plain text while it records what they say:

    - ``{c:hypertension}`` a condition the patient has; ``{c-:fever}`` denied; ``{ch:gout}`` in the past;
      ``{ch-:stroke}`` never had; ``{cf:stroke}`` in the family; ``{cf-:stroke}`` not in the family;
      ``{c~:fever}`` may come ("return if ..."). Words in ``[...]`` are printed but are not needed to
      name the condition: ``{c:[mild ]ankle swelling}``. After ``^`` follow other fair readings of the
      same words: ``{c:redness of the throat^redness}``.
    - ``{m:lisinopril|10 mg|by mouth|daily}`` a medicine with dose, route and frequency; parts may be empty.
    - ``{r:Troponin I| was |0.04|ng/mL}`` a laboratory value, ``{v:...}`` a vital sign; ``{bp:128/82|mmHg}``.
    - ``{p:Colonoscopy|2019-03-05}`` and ``{i:Influenza|2020-05-19}``: the date is recorded, not printed.
    - ``{a:penicillin}`` an allergy; ``{a-:No known drug allergies}``.

    Every mention is recorded, also the second one of the same thing: a reader may report a thing as
    often as the page states it.
    """

    medications: list[Entry] = field(default_factory=list)
    results: list[Entry] = field(default_factory=list)
    conditions: list[Entry] = field(default_factory=list)
    allergies: list[Entry] = field(default_factory=list)
    immunizations: list[Entry] = field(default_factory=list)
    procedures: list[Entry] = field(default_factory=list)
    encounters: list[Entry] = field(default_factory=list)

    def say(self, text: str) -> str:
        """The text without its marks; what they say is recorded.

        Raises:
            ValueError: a mark is malformed or of an unknown kind.
        """
        plain = _MARK.sub(self._mark, text)
        if "{" in plain or "}" in plain:
            raise ValueError("a mark is malformed")
        return plain

    def condition(self, printed: str, *, negated: bool, temporality: str, subject: str) -> str:
        """Record a condition; returns the printed words (see the class for ``[...]`` and ``^``)."""
        words, *accepted = printed.split("^")
        whole = _OPTIONAL.sub(r"\1", words)
        name = " ".join(_OPTIONAL.sub("", words).split())
        entry: Entry = {"name": name, "negated": negated, "temporality": temporality, "subject": subject}
        if whole != name:
            accepted.insert(0, whole)
        if accepted:
            entry["accepted"] = accepted
        self.conditions.append(entry)
        return whole

    def medication(self, name: str, dose: str = "", route: str = "", frequency: str = "") -> list[str]:
        """Record a medicine; returns the four parts as printed."""
        self.medications.append(
            {"name": name, "dose": dose or None, "route": route or None, "frequency": frequency or None}
        )
        return [name, dose, route, frequency]

    def result(self, name: str, value: str, unit: str, category: Category, date: str | None = None) -> None:
        """Record one printed value; ``date`` (ISO 8601, with the time where one is printed) tells repeats apart."""
        self.results.append({"name": name, "value": value, "unit": unit or None, "category": category, "date": date})

    def blood_pressure(self, printed: str, unit: str, date: str | None = None) -> None:
        """Record "128/82" as the two results it is."""
        systolic, diastolic = printed.split("/")
        self.result("Systolic blood pressure", systolic, unit, "vital", date)
        self.result("Diastolic blood pressure", diastolic, unit, "vital", date)

    def allergy(self, name: str, *, negated: bool = False) -> str:
        """Record an allergy (or that there is none); returns the printed words."""
        entry: Entry = {"name": name, "negated": negated}
        if negated:
            entry["accepted"] = list(NO_ALLERGIES_ACCEPTED)
        elif name.casefold().endswith(" allergy"):
            entry["accepted"] = [name[: -len(" allergy")]]
        self.allergies.append(entry)
        return name

    def immunization(self, name: str, date: str | None) -> str:
        """Record a dose of vaccine given on ``date`` (ISO 8601); returns the name."""
        self.immunizations.append({"name": name, "date": date})
        return name

    def procedure(self, name: str, date: str | None) -> str:
        """Record a procedure done on ``date`` (ISO 8601, as precise as printed); returns the name."""
        self.procedures.append({"name": name, "date": date})
        return name

    def encounter(
        self, kind: str, start: str, end: str | None = None, provider: str | None = None, facility: str | None = None
    ) -> None:
        """Record a visit or stay the page prints, dates in ISO 8601."""
        self.encounters.append({"kind": kind, "start": start, "end": end, "provider": provider, "facility": facility})

    def lists(self) -> dict[str, list[Entry]]:
        """All lists, in the order of the truth file."""
        return {
            "medications": self.medications,
            "results": self.results,
            "conditions": self.conditions,
            "allergies": self.allergies,
            "immunizations": self.immunizations,
            "procedures": self.procedures,
            "encounters": self.encounters,
        }

    def printed_strings(self) -> list[str]:
        """Every string that must stand on the page if the truth is true."""
        strings: list[str] = []
        keys = ("name", "dose", "route", "frequency", "value")
        for entries in (self.medications, self.results, self.conditions, self.allergies):
            for entry in entries:
                strings += [str(entry[key]) for key in keys if entry.get(key)]
        strings += [str(entry["name"]) for entry in (*self.immunizations, *self.procedures)]
        return [text for text in strings if text not in {"Systolic blood pressure", "Diastolic blood pressure"}]

    def _mark(self, match: re.Match[str]) -> str:
        code, parts = match["code"], match["body"].split("|")
        if code[0] == "c":
            return self._condition_mark(code, match["body"])
        if code == "m":
            return " ".join(part for part in self.medication(*parts) if part)
        if code in {"r", "v"}:
            name, between, value, unit = parts
            self.result(name, value, unit, "laboratory" if code == "r" else "vital")
            return f"{name}{between}{_with_unit(value, unit)}"
        if code == "bp":
            self.blood_pressure(parts[0], parts[1])
            return _with_unit(parts[0], parts[1])
        if code == "p":
            return self.procedure(parts[0], parts[1] if len(parts) > 1 else None)
        if code == "i":
            return self.immunization(parts[0], parts[1])
        if code in {"a", "a-"}:
            return self.allergy(match["body"], negated=code == "a-")
        raise ValueError(f"unknown mark {code}")

    def _condition_mark(self, code: str, printed: str) -> str:
        temporality = "hypothetical" if "~" in code else "historical" if "h" in code else "current"
        subject = "family" if "f" in code else "patient"
        return self.condition(printed, negated="-" in code, temporality=temporality, subject=subject)


def _with_unit(value: str, unit: str) -> str:
    return f"{value}{unit}" if unit in {"%", "°F", "°C", ""} else f"{value} {unit}"
