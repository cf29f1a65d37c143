"""Reads headings of sections and columns that no list holds by the words they are made of: "Imms given", "Coll. Dt"."""

from __future__ import annotations

from collections.abc import Sequence

from exora.documents.analysis.lexicon import normal_key

#: What a word of a heading names, by kind of section; of several kinds the one listed first is meant.
_THINGS: dict[str, frozenset[str]] = {
    "allergies": frozenset(
        "allergy allergies allergic allergen allergens adr adrs intolerance intolerances sensitivity sensitivities "
        "hypersensitivity hypersensitivities allx contraindicated".split()
    ),
    "immunizations": frozenset(
        "antigen antigens imm imms immunizing immunization immunizations immunisation immunisations vaccine vaccines "
        "vaccination vaccinations vacc vaccs vax shots jab jabs inoculation inoculations booster boosters".split()
    ),
    "procedures": frozenset(
        "px proc procs procedure procedures procedural surgery surgeries surgical operation operations operative "
        "intervention interventions psh pshx".split()
    ),
    "medications": frozenset(
        "med meds medication medications medicine medicines rx drug drugs prescription prescriptions script scripts "
        "tablets pills tto ttos ttas dhx pharmacotherapy".split()
    ),
    "conditions": frozenset(
        "dx diagnosis diagnoses diagnostic problem problems probs condition conditions disease diseases disorders "
        "illness illnesses ailments morbidity morbidities comorbidity comorbidities".split()
    ),
    "history": frozenset("pmh pmhx".split()),
    "results": frozenset(
        "lab labs laboratory result results measurement measurements test tests investigation investigations analytes "
        "obs values readings ix bloods chemistry haematology hematology biochemistry pathology".split()
    ),
    "vitals": frozenset("vital vitals".split()),
    "encounters": frozenset("encounters visits admissions hospitalizations".split()),
}
_KIND_OF = {word: kind for kind, words in _THINGS.items() for word in words}
#: Words that may stand beside those.
_BESIDE = frozenset(
    "event events this undertaken "
    "a active administered administration admission admitting adverse alert alerts all and as begun blood care "
    "carried chart chronic clinical commenced completed confirmed course current daily data date details "
    "discharge dispensed documented done due environmental established existing file final flowsheet food for "
    "from given health held history home hospital hx in inpatient invasive issued key know known latest ledger "
    "list listed log long major measured medical monitoring my noted now observations of on ongoing open or "
    "ordered other our out outpatient overview panel past patient patients pending performed plan prescribed "
    "previous primary principal prior profile reaction reactions received recent record recorded records regimen "
    "register regular relevant repeat report reported review reviewed schedule scheduled secondary selected sheet "
    "significant signs started statement status summary table taken taking term the therapeutic this to today "
    "undertaken up use used utd value we working you your".split()
)
#: Words that name nothing listed unless another word stands beside them: "Drug allergy" is a condition.
_SINGLE = frozenset(
    "allergy allergic allergen intolerance sensitivity hypersensitivity drug drugs problem condition disease illness "
    "px procedure procedural surgery operation operative intervention result diagnosis diagnostic vital values "
    "readings measurement test investigation tablets pills med medication medicine prescription booster vaccine "
    "vaccination imm immunization immunisation pathology chemistry operations".split()
)


_REACTIONS = frozenset("reaction reactions adverse".split())


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
    if (
        (len(things) == 1 or len({_KIND_OF[thing] for thing in things}) > 1)
        and set(things) <= _SINGLE
        and not any(word in _BESIDE and word not in {"and", "or", "food"} for word in words)
    ):
        return None
    if _REACTIONS & set(words):
        return "allergies"
    return _kind_of_things(words)


def kind_of_title(title: str) -> str | None:
    """The kind of section named by any word of a line that is a title by its place or size: "Vaccine Passport"."""
    words = normal_key(title).split()
    if not 1 <= len(words) <= 7 or not any(word in _KIND_OF for word in words) or _ELSE & set(words):
        return None
    if words[-1] in _HOUSES or (words[-1] in {"surgery", "medicine"} and not _BESIDE & set(words)):
        # "Harborside Allergy Associates", "Park Road Surgery".
        return None
    return "allergies" if _REACTIONS & set(words) else _kind_of_things(words)


#: Words of titles that no list of a kind stands under: relatives' diseases, what a pathologist tells, where one works.
_ELSE = frozenset("family pathology department clinic ward".split())
#: Last words of the names of those who print a document.
_HOUSES = frozenset(
    "associates center centre college group hospital inc institute llc ltd partners physicians practice services "
    "specialists university".split()
)
#: What is tested for is not given: "Urine drug screen", "Allergen test results", "Antigen tests".
_TESTED = frozenset("test tests testing screen screening level levels titer titers result results".split())
_TESTED_FOR = frozenset(["allergies", "immunizations", "medications"])


def _kind_of_things(words: Sequence[str]) -> str:
    """The kind that the telling words of a title name; of several the one that is listed first."""
    kinds = {_KIND_OF[word] for word in words if word in _KIND_OF}
    if _TESTED & set(words) and kinds <= _TESTED_FOR | {"results"}:
        return "results"
    return next(kind for kind in _THINGS if kind in kinds)


_WHEN = frozenset("date dt dates datetime year day".split())
#: What was done on the date of a column: "Given", "Noted on", "Coll. date".
_DONE = frozenset(
    "admin administered begun coll collected collection commenced diagnosed dispensed documented done "
    "entered given identified initiated issued logged measured noted observed onset ordered performed prescribed "
    "recorded reported resulted rxd dxd sampled seen started taken vaccinated written".split()
)
_OF_A_DATE = _DONE | frozenset(
    "administration allergy carried completed diagnosis dose drug dx first imm immunization issue jab known lab last "
    "med medication of on op operation order out prescription received problem procedure px result rx sample service "
    "shot since "
    "specimen start surgery svc taking test the theatre therapy time use vaccine vaccination vax visit".split()
)
#: Words that make a date of what was done, "Completed on", "Start of therapy".
_SAYS_WHEN = frozenset("on since start first last out known of".split())
#: Of these, words that stand beside things too: "Known allergy", "First diagnosis".
_OF_A_THING = frozenset("known first last".split())
_NAMED = frozenset(
    "allergy allergies problem problems diagnosis dx condition drug medication vaccine procedure".split()
)
_UNITS = frozenset("unit units uom".split())
_END = frozenset("end ended stop stopped resolved resolution until".split())
_COLUMN_THINGS = {
    "vaccine": _THINGS["immunizations"],
    "allergen": frozenset("allergen allergens allergy allergies allergic offending culprit causative".split()),
    "medication": _THINGS["medications"],
    "procedure": frozenset("px procedure procedures surgery operation intervention".split()),
    "condition": frozenset(
        "dx diagnosis diagnoses problem problems condition conditions disorder disease illness complaint".split()
    ),
    "test": frozenset("test tests lab analyte component parameter measurement investigation marker".split()),
}
#: A column named after a measured value, "Test value": beside words of a test or alone.
_VALUES = frozenset("value result reading found".split())
_OF_A_VALUE = _VALUES | frozenset("test numeric observed measured your".split())
_OF_A_NAME = frozenset(
    "administered agent and antigen description done dose drug drugs food given health item label medical name "
    "names of ordered performed prescribed product reaction strength substance text the title to type".split()
)


def role_of_words(header: str) -> str | None:
    """The role of a column whose header is not listed, by its words alone, or None."""
    words = frozenset(normal_key(header).split())
    if not 1 <= len(words) <= 4:
        return None
    if words & _UNITS and words <= _UNITS | {"of", "measure", "si", "ucum", "used", "result"}:
        return "unit"
    if words & _WHEN and words <= _WHEN | _OF_A_DATE | _END:
        return "end" if words & _END else "date"
    says = words & _SAYS_WHEN
    if len(words) > 1 and words <= _OF_A_DATE and says and (says - _OF_A_THING or not words & _NAMED):
        return "date"
    if words <= _DONE | {"on", "at"} and words & _DONE:
        return "date"
    if "to" in words and words <= {"allergic", "allergy", "reaction", "reacts", "sensitive", "to"} and len(words) > 1:
        return "allergen"
    if "by" in words and words <= _DONE | {"by"}:
        return "provider"
    if words & _VALUES and words <= _OF_A_VALUE and "name" not in words:
        return "value"
    for role, things in _COLUMN_THINGS.items():
        if words & things and words <= things | _OF_A_NAME:
            return role
    return None
