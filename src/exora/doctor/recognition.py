"""Which engines of this machine recognize pages."""

from __future__ import annotations

from collections.abc import Callable

from exora.doctor.check import Check, ok
from exora.documents.ocr.local import has_second_engine


def check_recognition(has_second: Callable[[], bool] = has_second_engine) -> list[Check]:
    """The local engines installed; both are not needed, but without the second poor scans are read poorly."""
    if has_second():
        return [ok("recognition", "Tesseract, and RapidOCR for poor scans and unsure words")]
    return [
        ok("recognition", "Tesseract; poor scans are read better with the extra exora[ocr], in 1.4 GB of memory more")
    ]
