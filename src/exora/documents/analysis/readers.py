"""The readers of each list of the record: of a table's record, and of an entry of a list."""

from __future__ import annotations

from collections.abc import Callable

from exora.documents.analysis import read_conditions, read_events, read_medications, read_results
from exora.documents.analysis.draft import Draft
from exora.documents.analysis.geometry import Run
from exora.documents.analysis.lists import Entry

CellReader = Callable[[dict[str, Run], str], list[Draft]]
EntryReader = Callable[[Entry, str], list[Draft]]
FROM_CELLS: dict[str, CellReader] = {
    "medications": read_medications.from_cells,
    "conditions": read_conditions.from_cells,
    "history": read_conditions.from_cells,
    "family": read_conditions.from_cells,
    "allergies": read_conditions.allergy_from_cells,
    "results": read_results.from_cells,
    "vitals": read_results.from_cells,
    "procedures": read_events.procedure_from_cells,
    "immunizations": read_events.immunization_from_cells,
    "encounters": read_events.encounter_from_cells,
}
FROM_ENTRY: dict[str, EntryReader] = {
    "medications": read_medications.from_entry,
    "conditions": read_conditions.from_entry,
    "history": read_conditions.from_entry,
    "family": read_conditions.from_entry,
    "allergies": read_conditions.allergy_from_entry,
    "procedures": read_events.procedure_from_entry,
    "immunizations": read_events.immunization_from_entry,
    "encounters": read_events.encounter_from_entry,
}
