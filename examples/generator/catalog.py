"""The example documents: which patient, which pages, which file format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from examples.generator import (
    consultations,
    degrade,
    emergency_notes,
    flowsheets,
    immunization_records,
    infarction_history,
    laboratory_reports,
    letters,
    medication_lists,
)
from examples.generator.charts import Chart
from examples.generator.truth import Sheet


@dataclass(frozen=True)
class Person:
    """A patient as Exora knows one: a made-up id that never changes, and the bundle's family name."""

    label: str
    uuid: str
    family: str


PEOPLE = {
    "A": Person("Patient A", "3f6d1c52-8a0e-4b7b-9c41-5e2d7a90b6f1", "Dietrich"),
    "B": Person("Patient B", "a81e4f07-2c35-4d9a-8f16-0b7c93d5e284", "Ortiz"),
    "C": Person("Patient C", "5c0b92e8-71d4-4e63-b2af-d8146f3a7095", "Feest"),
    "D": Person("Patient D", "e27a63b9-0f58-4c1d-a674-913fc8e05d2b", "Alvarez"),
    "E": Person("Patient E", "90d4e716-b3c2-4f85-8d09-6a2b1e7f54c3", "Ullrich"),
}


@dataclass(frozen=True)
class Example:
    """One document.

    Attributes:
        file: its name.
        kind: the document type of the record, as in ``exora.domain.record.DocumentType``.
        format: what the bytes are, in words.
        person: key of ``PEOPLE``.
        write: makes the clean PDF and its truth.
        finish: turns the clean PDF into the file; None leaves the PDF as it is.
    """

    file: str
    kind: str
    format: str
    person: str
    write: Callable[[Chart], tuple[bytes, Sheet]]
    finish: Callable[[bytes], bytes] | None = None


def _photo_jpeg(pdf: bytes) -> bytes:
    corners = ((0.012, 0.020), (-0.022, 0.004), (0.006, -0.012), (-0.010, 0.008))
    return degrade.as_jpeg(degrade.photo(pdf, seed=11, corners=corners))


def _photo_webp(pdf: bytes) -> bytes:
    corners = ((-0.008, 0.012), (-0.012, -0.010), (0.010, -0.004), (0.014, 0.006))
    return degrade.as_webp(degrade.photo(pdf, seed=12, corners=corners))


def _photo_heic(pdf: bytes) -> bytes:
    corners = ((0.018, 0.006), (-0.006, 0.016), (-0.016, -0.006), (0.004, 0.010))
    return degrade.as_heic(degrade.photo(pdf, seed=13, corners=corners))


EXAMPLES = (
    Example("discharge-summary.pdf", "discharge_summary", "digital PDF", "A", infarction_history.discharge_summary),
    Example(
        "discharge-summary-scan.pdf",
        "discharge_summary",
        "scanned PDF (JPEG pages, 200 dpi)",
        "E",
        emergency_notes.ankle_discharge,
        lambda pdf: degrade.scanned_pdf(pdf, seed=1, skew=(1.2, -1.0)),
    ),
    Example("lab-report.pdf", "laboratory_report", "digital PDF", "A", laboratory_reports.ruled_report),
    Example(
        "lab-report-scan.pdf",
        "laboratory_report",
        "scanned PDF (JPEG pages, 200 dpi)",
        "D",
        laboratory_reports.plain_report,
        lambda pdf: degrade.scanned_pdf(pdf, seed=2, skew=(-1.4, 1.1)),
    ),
    Example(
        "medication-list-photo.jpg", "medication_list", "JPEG photo", "A", medication_lists.ruled_list, _photo_jpeg
    ),
    Example("medication-list.pdf", "medication_list", "digital PDF", "B", medication_lists.numbered_list),
    Example(
        "immunization-record.webp",
        "immunization_record",
        "WebP photo",
        "C",
        immunization_records.child_grid,
        _photo_webp,
    ),
    Example("immunization-history.pdf", "immunization_record", "digital PDF", "E", immunization_records.adult_list),
    Example(
        "referral-letter-fax.tiff",
        "referral_letter",
        "TIFF (1-bit fax, G4)",
        "D",
        letters.referral,
        lambda pdf: degrade.fax_tiff(pdf, seed=3, skew=(0.6, -0.5)),
    ),
    Example("consultation-note.pdf", "consultation_note", "digital PDF", "A", consultations.cardiology_columns),
    Example(
        "consultation-note-photo.heic", "consultation_note", "HEIC photo", "B", consultations.allergy_note, _photo_heic
    ),
    Example("vital-signs-flowsheet.pdf", "vital_signs", "digital PDF", "A", flowsheets.hospital_day),
    Example(
        "growth-record.tiff",
        "vital_signs",
        "TIFF (grey, LZW)",
        "C",
        flowsheets.growth_record,
        lambda pdf: degrade.grey_tiff(pdf, seed=4, skew=(0.4, -0.3)),
    ),
)
