"""Finds the public code of a name: exact names and safe rewritings only, no code rather than a guess."""

from __future__ import annotations

import functools
import re
from typing import Literal

from exora.documents.analysis.lexicon import everyday_conditions, measurement_codes, normal_key, read_pairs
from exora.domain.record import Coding

_SALT = re.compile(r"\b(?:hydrochloride|hcl)\b")


@functools.cache
def _icd_keys() -> dict[str, str]:
    return dict(read_pairs("icd10cm-keys.tsv.gz"))


@functools.cache
def icd_names() -> dict[str, str]:
    """Every complete ICD-10-CM code with its name."""
    return dict(read_pairs("icd10cm-names.tsv.gz"))


@functools.cache
def _small(table: str) -> tuple[dict[str, str], dict[str, str]]:
    """Key to code, and code to its most frequent display."""
    codes: dict[str, str] = {}
    displays: dict[str, str] = {}
    for code, display in read_pairs(table):
        codes.setdefault(normal_key(display), code)
        displays.setdefault(code, display)
    return codes, displays


def condition_coding(name: str) -> Coding | None:
    """The ICD-10-CM code of a condition: an everyday name's, or that of the one code that bears the name."""
    key = normal_key(name)
    everyday = everyday_conditions().get(key)
    code = everyday if everyday is not None else _icd_keys().get(key)
    if not code or code not in icd_names():
        return None
    return Coding(system="ICD-10-CM", code=code, display=icd_names()[code])


_PRINTED_ICD = re.compile(r"(?<![\w.])([A-TV-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?)(?![\w.]?\w)")


def printed_condition_coding(text: str) -> Coding | None:
    """The ICD-10-CM code that is printed with a condition, if it is one complete code of the table and no other."""
    codes = {code for code in _PRINTED_ICD.findall(text) if code in icd_names()}
    if len(codes) != 1:
        return None
    code = codes.pop()
    return Coding(system="ICD-10-CM", code=code, display=icd_names()[code])


def _coded(system: Literal["RxNorm", "LOINC", "CVX"], table: str, *keys: str) -> Coding | None:
    codes, displays = _small(table)
    code = next((codes[key] for key in keys if key in codes), None)
    return Coding(system=system, code=code, display=displays[code]) if code else None


def medication_coding(name: str, dose: str | None) -> Coding | None:
    """The RxNorm code of a medicine by its full name, or by name and strength together."""
    key = normal_key(name)
    with_dose = normal_key(f"{name} {dose}") if dose and not re.search(r"\d", name) else key
    return _coded("RxNorm", "rxnorm.tsv", with_dose, _SALT.sub("", with_dose).replace("  ", " "), key)


def result_coding(name: str) -> Coding | None:
    """The LOINC code of a measurement."""
    coding = _coded("LOINC", "loinc.tsv", normal_key(name))
    if coding is not None:
        return coding
    code = measurement_codes().get(normal_key(name))
    display = _small("loinc.tsv")[1].get(code or "")
    return Coding(system="LOINC", code=code, display=display) if code and display else None


def vaccine_coding(name: str) -> Coding | None:
    """The CVX code of a vaccine."""
    return _coded("CVX", "cvx.tsv", normal_key(name))
