"""Reads how a medicine is taken: strength, dose, route, frequency, status."""

from __future__ import annotations

import re
from typing import NamedTuple

_AMOUNT = r"\d[\d,]*(?:\.\d+)?"
_STRENGTH_UNIT = (
    r"(?:mg|mcg|µg|μg|ug|g|gm|grams?|ml|mL|units?|iu|meq|mmol|%|actuat|hr)"
    r"(?:/(?:\d+(?:\.\d+)?\s?)?(?:ml|mg|g|actuat|act|hr|h|dose|day|tab|kg|inh|spray|puff|l))?"
)
STRENGTH = re.compile(rf"(?<![\w.]){_AMOUNT}(?:\s?[-/–]\s?{_AMOUNT})?\s?{_STRENGTH_UNIT}(?![\w/])", re.I)
_FORM_NOUN = (
    r"tablets?|tabs?|capsules?|caps?|caplets?|solution|suspension|injection|cream|ointment|gel|patch(?:es)?|"
    r"inhaler|spray|"
    r"suppository|suppositories|auto-?injector|syringe|powder|implant|lotion|foam|elixir|syrup|drops|lozenge|film|ring|"
    r"pack|aerosol|pen|cartridge|kit|vial|solr|soln|susp|ec|er|xr|sr|xl|cr|hfa|intrauterine system|insert|shampoo|"
    r"paste|"
    r"metered dose|strip|gum|wafer|packet"
)
_FORM_ADJECTIVE = (
    r"oral|chewable|disintegrating|extended|delayed|release|enteric|coated|film|topical|rectal|vaginal|ophthalmic|otic|"
    r"nasal|mucosal|transdermal|injectable|inhalant|inhalation|sublingual|buccal|drug|metered|dose|dry|prefilled|"
    r"effervescent|liquid|sustained|modified|immediate|12|24|hr|hour|28|21|91|day|intravenous|pen|multi-?dose|"
    r"single|use"
)
FORM = re.compile(
    rf"(?:[\s,]+(?:{_FORM_ADJECTIVE}|{_FORM_NOUN})\b)*?[\s,]+(?:{_FORM_NOUN})\b(?:\s+(?:{_FORM_NOUN})\b)*", re.I
)
_COUNT = r"(?:\d+(?:\.\d+)?(?:\s?(?:-|–|to|/)\s?\d+(?:\.\d+)?)?|½|one-half|one|two|three|four|half|a)"
_UNIT_OF_USE = (
    r"tablets?|tabs?|capsules?|caps?|caplets?|puffs?|sprays?|drops?|gtts?|patch(?:es)?|units?|teaspoons?|tsp|"
    r"tablespoons?|"
    r"tbsp|inhalations?|applications?|suppositor(?:y|ies)|lozenges?|packets?|vials?|ampules?|scoops?|pills?|doses?|"
    r"injections?|actuations?|pieces?|strips?|syringes?"
)
DOSE = re.compile(rf"(?<![\w.]){_COUNT}(?:\s?\([^)]{{1,12}}\))?\s?(?:{_UNIT_OF_USE})\b(?!\s+pack\b)", re.I)
ROUTE = re.compile(
    r"\b(?:by mouth|per os|orally|p\.?o\.?|oral(?: route)?|iv push|ivpb|iv|intravenous(?:ly)?|im|intramuscular(?:ly)?|"
    r"subcutaneous(?:ly)?|subcut|sub-?q|sq|sc|sl|sublingual(?:ly)?|under the tongue|topical(?:ly)?|to (?:the )?skin|"
    r"inhal(?:ed|ation)|by inhalation|via nebuli[sz]er|nebuli[sz]ed|nasal(?:ly)?|intranasal(?:ly)?|in each nostril|"
    r"rectal(?:ly)?|per rectum|p\.?r\.?|vaginal(?:ly)?|ophthalmic|otic|in (?:each|both|the (?:left|right|"
    r"affected)) eyes?|"
    r"transdermal(?:ly)?|buccal|via g-?tube|per g-?tube|intradermal|intrathecal|epidural|percutaneous)\b\.?",
    re.I,
)
_TIMES = r"(?:once|twice|thrice|one time|two times|three times|four times|five times|\d(?:-\d)? ?(?:x|times))"
_PERIOD = r"(?:day|daily|night|week|weekly|month|monthly|hour|morning|evening|year|24 hours)"
FREQUENCY = re.compile(
    rf"\b(?:{_TIMES}(?: (?:a|per|each|every))?[ /-]?{_PERIOD}|every other day|"
    r"(?:every|each) (?:\d+(?: ?(?:-|–|to) ?\d+)? )?(?:hours?|hrs?|minutes?|min|days?|weeks?|months?|morning|"
    r"evening|night|"
    r"bedtime|day)|q\.?\s?\d+(?:-\d+)?\s?(?:h(?:ours?|rs?)?|d|min|wk|weeks?)\b|qam|qpm|qhs|qod|qday|qdaily|qwk|"
    r"qweek|qd|"
    r"q\.d\.|b\.?i\.?d|t\.?i\.?d|q\.?i\.?d|daily|nightly|weekly|monthly|once|at bedtime|bedtime|hs|stat|ac|pc|"
    r"in the (?:morning|evening)|as directed|as needed|p\.?r\.?n|continuous(?:ly)?)\b\.?"
    r"(?:[ ,]+(?:at bedtime|with (?:meals|food|breakfast|dinner)|before (?:meals|breakfast|bed)|after meals|in the "
    r"(?:morning|evening)|every (?:morning|evening|night)|daily|nightly|as needed(?: for [\w ]{2,30})?|"
    r"p\.?r\.?n\b\.?(?: for)?(?: (?:pain|nausea|fever|cough|anxiety|sleep|itching|wheezing|headache))?))*",
    re.I,
)
_STOPPED = re.compile(
    r"\b(?:stopped|discontinued|d/c'?d|completed|inactive|ended|ceased|cancell?ed|held|no longer taking|expired|"
    r"past)\b",
    re.I,
)
_ACTIVE = re.compile(r"\b(?:active|current|continue[ds]?|ongoing|taking|started|new|in-progress|resume[ds]?)\b", re.I)
_LEADING_AMOUNT = re.compile(rf"^(?:NDA\d+\s+)?(?:{_AMOUNT}\s?(?:hr|hour|ml|actuat)\s+)+", re.I)
_MORE_INGREDIENTS = re.compile(
    rf"\s*(?:/|\+|&)\s*[A-Za-z][\w ,.'()-]{{1,60}}?\s{_AMOUNT}\s?{_STRENGTH_UNIT}(?![\w/])", re.I
)
_BRAND = re.compile(r"\s*\[[^\]]{1,60}\]")
_SIG_START = re.compile(
    r"\s*(?:,|;|\s[-–—:|]\s|:|\bsig\b|\btake\b|\binhale\b|\bapply\b|\binject\b|\buse\b|\bfor\b|\bgiven\b|\busing\b|"
    r"\(|\bdose\b|\bwas\b|\bis\b|\bhas\b|\bwith\b|\bstart(?:ed)?\b|\bsince\b|\bfrom\b|\bprescribed\b|\border(?:ed)?\b)",
    re.I,
)


class Sig(NamedTuple):
    """A medicine as written on one line. ``name_end`` is where the name ends in the text."""

    name_end: int
    dose: str | None
    route: str | None
    frequency: str | None
    status: str
    strength: bool


def status_of(text: str) -> str:
    """ "active", "stopped" or "unknown" from the words of a status cell or of a line."""
    if _STOPPED.search(text):
        return "stopped"
    return "active" if _ACTIVE.search(text) else "unknown"


def read_medication(text: str) -> Sig:
    """Splits a line that starts with a medicine's name into the name and how it is taken.

    A strength stays in the name where it is part of it: before a dose form ("10 MG Oral Tablet"), a
    brand in brackets, another ingredient, or in the capitals of RxNorm names ("25 MG").
    """
    lead = _LEADING_AMOUNT.match(text)
    begin = lead.end() if lead else 0
    strength = STRENGTH.search(text, begin)
    cut = _first_cut(text, begin)
    if strength and strength.start() <= cut + 2 and re.search(r"[A-Za-z]{3}", text[begin : strength.start()]):
        name_end, part_of_name, several = _extend(text, strength)
        dose: str | None = None if several else strength.group()
        if not part_of_name:
            name_end = strength.start()
        sig_from = max(name_end, strength.end())
    else:
        name_end, dose = cut, None
        form = FORM.match(text, cut)
        sig_from = form.end() if form and not strength else cut
        name_end = sig_from
        if strength and strength.start() >= cut:
            dose = strength.group()
    sig = text[sig_from:]
    route, frequency, count = ROUTE.search(sig), FREQUENCY.search(sig), DOSE.search(sig)
    later = STRENGTH.search(sig)
    if count:
        dose = count.group()
    elif later and not re.search(r"\bfor\b", sig[: later.start()]):
        dose = later.group()
    return Sig(
        len(text[:name_end].rstrip(" ,;:-–—(")),
        dose,
        route.group() if route else None,
        frequency.group().rstrip(" ,.") if frequency else None,
        status_of(sig),
        strength is not None,
    )


def _extend(text: str, strength: re.Match[str]) -> tuple[int, bool, bool]:
    """Where a name with a strength ends, whether the strength belongs to it, and whether it has several ingredients."""
    end, several = strength.end(), False
    while more := _MORE_INGREDIENTS.match(text, end):
        end, several = more.end(), True
    form = FORM.match(text, end)
    if form:
        end = form.end()
    brand = _BRAND.match(text, end)
    if brand:
        end = brand.end()
    capitals = (
        strength.group().rstrip().endswith(("MG", "MCG", "ML", "ACTUAT", "HR", "UNT"))
        and not text[: strength.start()].isupper()
    )
    return end, bool(form or brand or several or capitals), several


def _first_cut(text: str, begin: int) -> int:
    """Where the name must have ended: at a comma, a dash, a verb, a route, a frequency or a dose."""
    cuts = [
        match.start()
        for pattern in (_SIG_START, ROUTE, FREQUENCY, DOSE, STRENGTH)
        if (match := pattern.search(text, begin + 2)) is not None
    ]
    return min(cuts, default=len(text))
