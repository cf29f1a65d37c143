"""Analytes with their printed names, units and reference ranges, and the flags that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from examples.generator.truth import Sheet


@dataclass(frozen=True)
class Analyte:
    """One line of a laboratory report.

    Attributes:
        name: as printed.
        unit: as printed; empty where there is none.
        low, high: adult male reference range; None where the range is open.
        digits: decimals printed.
    """

    name: str
    unit: str
    low: float | None
    high: float | None
    digits: int

    def printed_range(self) -> str:
        """The range as printed: "low - high", "<high" or ">low"."""
        low = "" if self.low is None else f"{self.low:.{self.digits}f}"
        high = "" if self.high is None else f"{self.high:.{self.digits}f}"
        if low and high:
            return f"{low} - {high}"
        return f"<{high}" if high else f">{low}"

    def flag(self, printed: str) -> str:
        """H above, L below, empty within the range; judged on the printed, rounded value."""
        value = float(printed)
        if self.high is not None and (value > self.high or (self.low is None and value == self.high)):
            return "H"
        if self.low is not None and (value < self.low or (self.high is None and value == self.low)):
            return "L"
        return ""


#: Usual adult ranges of textbooks and laboratory handbooks; a laboratory sets its own.
ANALYTES = {
    "wbc": Analyte("WBC", "10^3/uL", 4.0, 11.0, 1),
    "rbc": Analyte("RBC", "10^6/uL", 4.20, 5.80, 2),
    "hemoglobin": Analyte("Hemoglobin", "g/dL", 13.2, 17.1, 1),
    "hematocrit": Analyte("Hematocrit", "%", 38.5, 50.0, 1),
    "mcv": Analyte("MCV", "fL", 80.0, 100.0, 1),
    "mch": Analyte("MCH", "pg", 27.0, 33.0, 1),
    "mchc": Analyte("MCHC", "g/dL", 32.0, 36.0, 1),
    "platelets": Analyte("Platelet count", "10^3/uL", 140, 400, 0),
    "mpv": Analyte("MPV", "fL", 7.5, 12.5, 1),
    "cholesterol": Analyte("Total cholesterol", "mg/dL", None, 200, 0),
    "triglycerides": Analyte("Triglycerides", "mg/dL", None, 150, 0),
    "hdl": Analyte("HDL cholesterol", "mg/dL", 40, None, 0),
    "ldl": Analyte("LDL cholesterol", "mg/dL", None, 100, 0),
    "glucose": Analyte("Glucose", "mg/dL", 65, 99, 0),
    "bun": Analyte("BUN", "mg/dL", 7, 25, 0),
    "creatinine": Analyte("Creatinine", "mg/dL", 0.70, 1.33, 2),
    "sodium": Analyte("Sodium", "mmol/L", 135, 146, 0),
    "potassium": Analyte("Potassium", "mmol/L", 3.5, 5.3, 1),
    "chloride": Analyte("Chloride", "mmol/L", 98, 110, 0),
    "bicarbonate": Analyte("Carbon dioxide", "mmol/L", 20, 32, 0),
    "calcium": Analyte("Calcium", "mg/dL", 8.6, 10.3, 1),
    "protein": Analyte("Total protein", "g/dL", 6.1, 8.1, 1),
    "albumin": Analyte("Albumin", "g/dL", 3.6, 5.1, 1),
    "bilirubin": Analyte("Total bilirubin", "mg/dL", 0.2, 1.2, 1),
    "alp": Analyte("Alkaline phosphatase", "U/L", 40, 115, 0),
    "ast": Analyte("AST", "U/L", 10, 35, 0),
    "alt": Analyte("ALT", "U/L", 9, 46, 0),
    "a1c": Analyte("Hemoglobin A1c", "%", 4.0, 5.6, 1),
    "tsh": Analyte("TSH", "mIU/L", 0.40, 4.50, 2),
    "troponin": Analyte("Troponin I", "ng/mL", None, 0.04, 2),
    "bnp": Analyte("BNP", "pg/mL", None, 100, 0),
    "inr": Analyte("INR", "", 0.9, 1.1, 1),
    "magnesium": Analyte("Magnesium", "mg/dL", 1.5, 2.5, 1),
    "crp": Analyte("C-reactive protein", "mg/L", None, 8.0, 1),
    "ferritin": Analyte("Ferritin", "ng/mL", 38, 380, 0),
    "ige": Analyte("Total IgE", "kU/L", None, 114, 0),
    "gravity": Analyte("Specific gravity", "", 1.005, 1.030, 3),
    "ph": Analyte("Urine pH", "", 5.0, 8.0, 1),
    "albumin_urine": Analyte("Urine albumin", "mg/L", None, 20, 0),
    "microalbumin_ratio": Analyte("Albumin/creatinine ratio", "mg/g", None, 30, 0),
    "eosinophils": Analyte("Eosinophils", "%", 0.0, 6.0, 1),
}


def report_row(sheet: Sheet, key: str, value: float, date: str | None) -> list[str]:
    """One printed line: name, value, flag, range, unit. The value is recorded as a result of that date."""
    analyte = ANALYTES[key]
    printed = f"{value:.{analyte.digits}f}"
    sheet.result(analyte.name, printed, analyte.unit, "laboratory", date)
    return [analyte.name, printed, analyte.flag(printed), analyte.printed_range(), analyte.unit]


def report_rows(sheet: Sheet, values: Sequence[tuple[str, float]], date: str | None) -> list[list[str]]:
    """Lines of one panel, in the order given."""
    return [report_row(sheet, key, value, date) for key, value in values]


def trend_row(sheet: Sheet, key: str, values: Sequence[tuple[str, float | None]]) -> list[str]:
    """One line of a table whose columns are dates: name, unit, then a value with its flag for each date."""
    analyte = ANALYTES[key]
    row = [analyte.name, analyte.unit, analyte.printed_range()]
    for date, value in values:
        if value is None:
            row.append("")
            continue
        printed = f"{value:.{analyte.digits}f}"
        sheet.result(analyte.name, printed, analyte.unit, "laboratory", date)
        row.append(f"{printed} {analyte.flag(printed)}".strip())
    return row
