"""Recognizes the header row of a table: which word names which column."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from exora.documents.analysis.dates import find_dates
from exora.documents.analysis.geometry import Row, Token
from exora.documents.analysis.headings import NearNames
from exora.documents.analysis.lexicon import measurements, normal_key

#: Role of a column → what is printed over it.
_ROLES: dict[str, str] = {
    "test": """test|test name|analyte|component|lab|lab test|laboratory test|observation|parameter|measurement|vital sign
        |vital|investigation|examination|exam name|test description|tests|observation name|vitals|measure|assay
        |vital signs|marker|determination|lab name|test performed|component name|result name|test item""",
    "medication": """medication|medications|drug|drug name|medication name|medicine|medicines|name of medication
        |generic name|prescription|product|medication description|medication and strength|drug and strength
        |medication strength|brand name|drug description|rx|medication details|ordered medication|prescribed medication""",
    "vaccine": """vaccine|vaccines|vaccine name|immunization|immunisation|vaccination|immunization name|vaccine type
        |vaccine product|vaccine administered|vaccine given|immunizations|vaccine group|vaccine description""",
    "condition": """condition|conditions|problem|problems|diagnosis|diagnoses|problem name|condition name|disease
        |diagnosis description|problem description|disorder|illness|finding|medical condition|health problem
        |diagnosis name|problem condition|condition problem|condition diagnosis|diagnosis condition|problem diagnosis
        |condition description|health concern|clinical problem""",
    "allergen": """allergen|allergy|allergies|substance|allergy name|agent|allergen name|allergic to|allergy to
        |substance allergen|allergen substance|causative agent|allergy intolerance|allergen agent|intolerance""",
    "procedure": """procedure|procedures|procedure name|operation|surgery|procedure description|intervention
        |procedure performed|service performed|treatment|name of procedure""",
    "visit": """encounter|encounter type|visit|visit type|type of visit|encounter class|encounter description|appointment
        |type of encounter|visit description|admission type|class|episode|visit reason type""",
    "name": "name|description|item|type|details|detail|entry|display|event|service|code description",
    "value": """result|value|results|result value|your value|your result|observed value|reading|current result|results value
        |latest|measured value|patient result|finding value|latest value|most recent|test result|current value|measured""",
    "unit": "unit|units|uom|unit of measure|units of measure|measure unit",
    "range": """reference range|range|ref range|reference|reference interval|normal range|ref interval|normal values|normal
        |reference ranges|expected range|ref|biological reference interval|normal limits|limits|reference values|ref ranges
        |reference range units|standard range|biological reference|reference limits|normal value|expected|reference value""",
    "flag": "flag|flags|abnormal|abnormal flag|abn|interpretation|hl|h l|indicator|abnormality|alert|result flag|status flag|abnl|interp",
    "dose": "dose|dosage|dose amount|amount|doses|dose strength|dose given|sig dose",
    "strength": "strength|concentration|dose form strength",
    "form": "form|dose form|dosage form|formulation",
    "route": "route|route of administration|rte|via|admin route|administration route",
    "frequency": "frequency|freq|schedule|how often|interval|timing|times|times per day|frequency of use",
    "sig": """sig|directions|instructions|how to take|dosing|dosage instructions|instruction|dose and frequency|dose frequency
        |administration|directions for use|dosage and frequency|dosing instructions|use|patient instructions|regimen
        |dose route frequency|dose and instructions|how taken|dose instructions|dosing directions""",
    "status": "status|state|clinical status|problem status|active|current status|status of problem|result status|clinical state|verification",
    "date": """date|date given|date administered|onset|onset date|date of onset|start date|start|date performed|performed
        |collected|collection date|date collected|date of service|effective date|recorded|date recorded|given|administered
        |diagnosed|date diagnosed|diagnosis date|date noted|noted|first noted|observed|observation date|date time|datetime
        |result date|date of test|date of procedure|procedure date|visit date|encounter date|prescribed|date prescribed
        |administration date|vaccination date|service date|dates|ordered|order date|date ordered|since|started|date started
        |identified|date identified|first recorded|test date|begin date|from|begin|admitted|admission date|admission|issued
        |collection|when|specimen date|drawn|date drawn|onset year|year|authored|authored on|date written|written|taken
        |date of vaccination|date of diagnosis|date of visit|date vaccinated|given on|administered on|performed on|recorded on
        |admit date|measured on|date measured|first seen|immunization date|admission date time|starting|date and time""",
    "end": """end date|end|stop|stop date|resolved|date resolved|resolution|resolution date|abatement|discharge date
        |discharged|to|discharge|stopped|date stopped|until|ended|abated|through|finish|resolved date|resolved on|end stop""",
    "reaction": "reaction|reactions|manifestation|adverse reaction|manifestations|symptoms|type of reaction|effect|observed reaction",
    "severity": "severity|criticality|severity level|reaction severity",
    "provider": """provider|physician|doctor|clinician|performer|performed by|attending|practitioner|prescriber|ordering provider
        |attending physician|administered by|seen by|prescribed by|surgeon|author|given by|consultant|provider name
        |attending provider|responsible clinician|performing clinician|operator|ordered by|recorded by""",
    "facility": "facility|location|hospital|site of care|clinic|organization|place|service provider|department|institution|site name|ward|unit location",
    "reason": "reason|reason for visit|indication|indications|chief complaint|reason for encounter|purpose|indicated for|for|visit reason",
    "code": """code|cvx|cvx code|icd|icd 10|icd 10 code|icd 10 cm|loinc|rxnorm|snomed|code system|cpt|cpt code|loinc code|rxnorm code
        |snomed ct|snomed code|icd code|rxcui|ndc|codes|icd10|icd 10 cm code|cvx codes""",
    "lot": "lot|lot number|lot no|lot #|batch|batch number|lot batch|exp|expiration|expiry|expiration date|exp date|expiry date",
    "ignored": """manufacturer|mfr|site|body site|comments|comment|notes|note|quantity|qty|refills|refill|method|specimen|no|number|#
        |category|dose number|dose no|dose #|series|priority|source|last filled|days supply|supply|age|outcome|reported|report date
        |previous|previous result|prior|next due|due|vis date|volume|laterality|specimen type|verified|id|seq|ref no|panel|group
        |last updated|last taken|delta|trend|dispense|dispensed|remarks|sample|manufacturer lot|cost|next dose|line|funding|age at onset""",
    "patient": "patient|patient name",
    "birth": "dob|date of birth|birth date|birthdate|d o b",
    "sex": "sex|gender",
    "mrn": "mrn|medical record number|patient id|record number|medical record no|patient number|mrn number|chart number",
}
_ROLE_OF: dict[str, str] = {}
for _role_name, _printed in _ROLES.items():
    for _name in _printed.replace("\n", " ").split("|"):
        _ROLE_OF.setdefault(normal_key(_name), _role_name)
_FILLER = frozenset({"of", "the", "and", "", "s", "given", "name", "date", "in"})
_LONGEST = max(len(name.split()) for name in _ROLE_OF)
#: The list a table belongs to, by its leading column.
LIST_OF_ROLE = {
    "test": "results",
    "medication": "medications",
    "vaccine": "immunizations",
    "condition": "conditions",
    "allergen": "allergies",
    "procedure": "procedures",
    "visit": "encounters",
    "patient": "patient",
}


@dataclass(frozen=True)
class Column:
    """A column: its role and the extent of its header.

    "date@2019-03-12" is a column of one day's values, "test@Weight (kg)" a column of one test's values.
    """

    role: str
    x0: float
    x1: float


@functools.cache
def _near_roles() -> NearNames:
    return NearNames(name for name in _ROLE_OF if len(name) >= 5)


def role_of(phrase: str) -> str | None:
    """The role a header phrase names, with one wrong letter forgiven in longer words."""
    if phrase.strip() == "#":
        return "ignored"
    key = normal_key(phrase)
    if key in _ROLE_OF or not key:
        return _ROLE_OF.get(key)
    if len(key) < 5:
        return None
    near = _near_roles().nearest(key)
    return _ROLE_OF[near] if near else None


def read_header(row: Row) -> list[Column] | None:
    """The columns a row names, if it is a table's header: at least two roles and hardly any other word."""
    words = row.run.tokens
    if len(words) > 24 or (len(row.segments) < 2 and (len(words) > 8 or not words[-1].text[0].isupper())):
        return None
    columns, covered, total = _parse(row)
    named = [column for column in columns if column.role != "ignored"]
    if len(columns) < 2 or not named or covered < 0.75 * total:
        return None
    if len(row.segments) < 2 and (len(columns) < 3 or covered < total):
        return None
    dated = sum(1 for column in named if column.role.startswith("date@"))
    if dated and (columns[0].role not in {"test", "name", "value"} or dated < len(named) - 3):
        return None
    return columns


def _parse(row: Row) -> tuple[list[Column], int, int]:
    columns: list[Column] = []
    covered = total = 0
    for segment in row.segments:
        tokens = segment.tokens
        whole = _role(tokens)
        if whole:
            columns.append(Column(whole, segment.x0, segment.x1))
            covered, total = covered + len(tokens), total + len(tokens)
            continue
        index = 0
        while index < len(tokens):
            count, role = _longest_role(tokens[index:])
            total += max(count, 1)
            if role:
                columns.append(Column(role, tokens[index].x0, tokens[index + count - 1].x1))
                covered += count
            elif normal_key(tokens[index].text) in _FILLER or tokens[index].text.startswith("("):
                total -= 1
            index += max(count, 1)
    return columns, covered, total


def _role(tokens: Sequence[Token]) -> str | None:
    text = " ".join(token.text for token in tokens)
    if text.rstrip().endswith(":"):
        return None
    dates = find_dates(text)
    if len(dates) == 1 and dates[0].start == 0 and dates[0].end == len(text):
        return f"date@{dates[0].iso}"
    bare = text.split("(")[0].strip()
    role = role_of(text) or (role_of(bare) if bare and bare != text else None)
    return role or (f"test@{text}" if bare in measurements() else None)


def _longest_role(tokens: Sequence[Token]) -> tuple[int, str | None]:
    for count in range(min(_LONGEST, len(tokens)), 0, -1):
        role = _role(tokens[:count])
        if role:
            return count, role
    return 0, None
