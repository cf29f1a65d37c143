"""Reads headings of sections and columns that no list holds by the words they are made of: "Imms given", "Coll. Dt"."""

from __future__ import annotations

from exora.documents.analysis.lexicon import normal_key

#: What a word of a heading names, by kind of section; of several kinds the one listed first is meant.
_THINGS: dict[str, frozenset[str]] = {
    "allergies": frozenset("allergy allergies allergic adr adrs intolerances sensitivities".split()),
    "immunizations": frozenset(
        "imm imms immunizing immunization immunizations immunisation immunisations vaccine vaccines vaccination "
        "vaccinations vax shots jabs".split()
    ),
    "procedures": frozenset("px procedure procedures surgery surgeries surgical operations psh".split()),
    "medications": frozenset(
        "med meds medication medications medicine medicines rx drug drugs prescription prescriptions".split()
    ),
    "conditions": frozenset(
        "dx diagnosis diagnoses problem problems condition conditions disorders diseases illnesses".split()
    ),
    "history": frozenset("pmh pmhx".split()),
    "results": frozenset(
        "lab labs laboratory result results measurements tests investigations analytes obs values readings".split()
    ),
    "vitals": frozenset("vital vitals".split()),
    "encounters": frozenset("encounters visits admissions hospitalizations".split()),
}
_KIND_OF = {word: kind for kind, words in _THINGS.items() for word in words}
#: Words that may stand beside those.
_BESIDE = frozenset(
    "a active administered administration admission admitting adverse alert alerts all and begun care chart chronic "
    "clinical commenced confirmed current data details discharge documented done due environmental established final "
    "flowsheet food for from given health history home hospital hx in issued key known latest list listed log long "
    "measured medical observations of on ongoing open or ordered other panel past patient patients pending performed "
    "prescribed previous primary principal prior profile reaction reactions received recent record recorded records "
    "register regular relevant report reported review reviewed secondary selected sheet signs started statement "
    "status summary table taken term the therapeutic to today use used value".split()
)
#: Words that name nothing listed unless another word stands beside them: "Drug allergy" is a condition.
_SINGLE = frozenset(
    "allergy allergic drug drugs problem condition procedure surgery result diagnosis vital values readings".split()
)


def kind_of_words(title: str) -> str | None:
    """The kind of section that a short title names by its words alone, or None.

    Every word must be one that such titles are made of, and the first begin with a capital letter.
    """
    words = normal_key(title).split()
    if not 1 <= len(words) <= 5 or any(w not in _KIND_OF and w not in _BESIDE for w in words):
        return None
    if not title.strip()[:1].isupper():
        return None
    things = [word for word in words if word in _KIND_OF]
    if not things or (len(things) == len(words) == 1 and things[0] in _SINGLE):
        return None
    if set(things) <= _SINGLE and not any(word in _BESIDE and word not in {"and", "or", "food"} for word in words):
        return None
    kinds = {_KIND_OF[word] for word in things}
    return next(kind for kind in _THINGS if kind in kinds)


_WHEN = frozenset("date dt dates datetime".split())
#: What was done on the date of a column: "Given", "Noted on", "Coll. date".
_DONE = frozenset(
    "admin administered begun coll collected collection diagnosed documented done entered given identified measured "
    "noted observed onset ordered performed prescribed recorded resulted seen started taken vaccinated written".split()
)
_OF_A_DATE = _DONE | frozenset(
    "allergy dose drug dx imm immunization lab last first med medication of on op order problem procedure px result rx "
    "service shot specimen start svc test the time vaccine vaccination visit".split()
)
_END = frozenset("end ended stop stopped resolved resolution until".split())
_COLUMN_THINGS = {
    "vaccine": _THINGS["immunizations"],
    "allergen": frozenset("allergen allergens allergy allergies allergic".split()),
    "medication": _THINGS["medications"],
    "procedure": frozenset("px procedure procedures surgery operation".split()),
    "condition": frozenset("dx diagnosis diagnoses problem problems condition conditions disorder".split()),
    "test": frozenset("test tests lab analyte component parameter measurement".split()),
}
_OF_A_NAME = frozenset(
    "administered and agent description done given health item medical name names of ordered performed product "
    "strength the to type".split()
)


def role_of_words(header: str) -> str | None:
    """The role of a column whose header is not listed, by its words alone, or None."""
    words = frozenset(normal_key(header).split())
    if not 1 <= len(words) <= 4:
        return None
    if words & _WHEN and words <= _WHEN | _OF_A_DATE | _END:
        return "end" if words & _END else "date"
    if words <= _DONE | {"on", "at"} and words & _DONE:
        return "date"
    if "by" in words and words <= _DONE | {"by"}:
        return "provider"
    for role, things in _COLUMN_THINGS.items():
        if words & things and words <= things | _OF_A_NAME:
            return role
    return None
