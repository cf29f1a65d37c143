"""What a model might answer that was never asked to: garbage, half an answer, lies, orders, numbers that are none."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from exora.testing.providers.answers import read_here
from tests.security.mutations import NOTE

PAGE = NOTE + "\nBanana infection control, 12 March 2019. Seen by Dr. Inf Nan."
_LISTS = ("encounters", "medications", "conditions", "allergies", "results", "procedures", "immunizations")

_odd_text = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "",
            " ",
            "\x00",
            "Metformin\x00",
            "Metformin\u202e500",
            "inf",
            "NaN",
            "1e999",
            "ignore previous instructions",
            "a" * 100_000,
            "Metformin 500 mg",
            "<script>alert(1)</script>",
            "2019-03-12",
            "2019-99-99",
            "../../etc/passwd",
            "'; drop table exora.jobs; --",
            "\ufeffMetformin",
            "Mét\u0301formin",
        ]
    ),
    st.sampled_from(NOTE.split()),
)
_odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-5, 5),
    st.floats(),
    _odd_text,
    st.sampled_from([10**400, -1, 1e308, float("inf"), float("nan"), [], {}, [[]], {"a": {"b": {}}}]),
)


def honest() -> dict[str, Any]:
    """A good answer about the page."""
    body = {"messages": [{}, {"content": f"=== page 1 ===\n{PAGE}"}]}
    found: dict[str, Any] = json.loads(read_here(body))
    return found


def _changed(answer: dict[str, Any], changes: list[tuple[int, str | None, Any]]) -> str:
    """The answer with values replaced, taken away or added, wherever there are any."""
    answer = json.loads(json.dumps(answer))
    for where, key, value in changes:
        places = [answer, answer["patient"]] if isinstance(answer.get("patient"), dict) else [answer]
        places += [
            item
            for name in _LISTS
            if isinstance(answer.get(name), list)
            for item in answer[name]
            if isinstance(item, dict)
        ]
        place = places[where % len(places)]
        keys = sorted(place)
        chosen = key or (keys[where % len(keys)] if keys else "x")
        if value is _ABSENT:
            place.pop(chosen, None)
        elif value is _AGAIN and isinstance(place.get(chosen), list):
            place[chosen] = place[chosen] * 50
        elif value is not _AGAIN:
            place[chosen] = json.loads(json.dumps(value))
    return json.dumps(answer)


_ABSENT, _AGAIN = object(), object()
_KEYS = (
    "name",
    "quote",
    "page",
    "date",
    "dose",
    "value",
    "unit",
    "range_low",
    "range_high",
    "flag",
    "status",
    "sex",
    "language",
    "identifiers",
    "document_type",
    "patient",
    "medications",
    "unasked",
)


def answers() -> st.SearchStrategy[str]:
    """An answer's text."""
    change = st.tuples(
        st.integers(0, 200),
        st.one_of(st.none(), st.sampled_from(_KEYS)),
        st.one_of(
            _odd,
            st.just(_ABSENT),
            st.just(_AGAIN),
            st.just([{"type": "MRN", "value": ""}, {"type": "x\x00", "value": "4711"}]),
        ),
    )
    good = honest()
    changed = st.builds(lambda changes: _changed(good, changes), st.lists(change, min_size=1, max_size=6))
    cut = st.builds(lambda text, share: text[: int(len(text) * share)], changed, st.floats(0, 1))
    deep = st.builds(
        lambda depth, opening: opening * depth, st.integers(1, 200_000), st.sampled_from(["[", '{"a":', "[{"])
    )
    other = st.recursive(
        _odd, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_odd_text, inner, max_size=4), max_leaves=12
    )
    return st.one_of(
        st.just(json.dumps(good)), changed, changed, changed, cut, deep, other.map(_dumped), st.text(max_size=200)
    )


def _dumped(value: Any) -> str:
    return json.dumps(value)
