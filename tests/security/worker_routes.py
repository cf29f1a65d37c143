"""Requests to the HTTP side of a worker as a browser or a monitor sends them: one kind for each of the app's routes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from exora.domain.job import JobState
from exora.http.dashboard.site import _SAID, _STATIC
from tests.security.conftest import OPERATE, READ
from tests.security.requests import Asked, hostile

#: Who can be put into a request; ``acting`` has an operator's session, and its form token wherever a body says CSRF.
WHO = ["nobody", "reader", "operator", "session", "acting", "stale"]
CSRF = "CSRF"


@dataclass(frozen=True)
class Known:
    """What there is in the database of a target."""

    jobs: list[str]
    lanes: list[str]
    fingerprints: list[str]
    apis: list[tuple[str, str]]


@dataclass(frozen=True)
class _Takes:
    """What a route is asked with: who may, and the values of each place, query name and field."""

    who: str
    places: dict[str, list[str]]
    query: dict[str, list[str]]
    fields: dict[str, list[str]]


def _described(known: Known) -> dict[tuple[str, str], _Takes]:
    """Each route's method and path, and what it takes."""
    yes = ["yes"]

    def shown(who: str = "session", **query: list[str]) -> _Takes:
        return _Takes(who, {}, query, {})

    def done(**fields: list[str]) -> _Takes:
        signed = {"csrf": [CSRF], "why": ["ticket-7", "quiet hours"], "back": ["/dashboard/", "/dashboard/jobs?a=b"]}
        return _Takes("acting", {}, {}, signed | fields)

    return {
        ("GET", "/health"): shown("nobody"),
        ("GET", "/ready"): shown("reader"),
        ("GET", "/metrics"): shown("operator"),
        ("GET", "/dashboard/"): shown(range=["1h", "6h", "24h", "7d"], said=sorted(_SAID), count=["3"]),
        ("GET", "/dashboard/jobs"): shown(
            id=known.jobs,
            status=[state.value for state in JobState],
            lane=known.lanes,
            fingerprint=known.fingerprints,
            before=known.jobs,
        ),
        ("GET", "/dashboard/jobs/{job:uuid}"): _Takes("session", {"job:uuid": known.jobs}, {"said": ["held"]}, {}),
        ("GET", "/dashboard/dead"): shown(),
        ("GET", "/dashboard/workers"): shown(),
        ("GET", "/dashboard/usage"): shown(days=["7", "30", "90"]),
        ("GET", "/dashboard/audit"): shown(late=yes),
        ("POST", "/dashboard/act/lane"): done(verb=["pause", "resume"], lane=known.lanes),
        ("POST", "/dashboard/act/api"): done(
            verb=["close", "open"],
            provider=[provider for provider, _ in known.apis],
            endpoint=[endpoint for _, endpoint in known.apis],
        ),
        ("POST", "/dashboard/act/job"): done(verb=["cancel", "retry", "hold"], job=known.jobs),
        ("POST", "/dashboard/act/group"): done(fingerprint=known.fingerprints, all=yes),
        ("POST", "/dashboard/act/audit"): done(),
        ("GET", "/dashboard/sign-in"): shown("nobody"),
        ("POST", "/dashboard/sign-in"): _Takes("own page", {}, {}, {"token": [READ, OPERATE], "name": ["ann"]}),
        ("POST", "/dashboard/sign-out"): _Takes("acting", {}, {}, {}),
        ("GET", "/dashboard/static/{name}"): _Takes("nobody", {"name": sorted(_STATIC)}, {}, {}),
    }


def _listed(routes: Iterable[BaseRoute], before: str = "") -> set[tuple[str, str]]:
    found = set()
    for route in routes:
        if isinstance(route, Mount):
            found |= _listed(route.routes, before + route.path)
        elif isinstance(route, Route):
            found |= {(method, before + route.path) for method in (route.methods or {"GET"}) - {"HEAD"}}
    return found


def to_worker(app: Starlette, known: Known) -> st.SearchStrategy[Asked]:
    """Hostile requests to a worker.

    Args:
        app: its routes; each must be described here.
        known: what they may be asked about.
    """
    described = _described(known)
    assert set(described) == _listed(app.routes), "describe what the new route takes"

    def of_route(route: tuple[str, str]) -> st.SearchStrategy[Asked]:
        (method, path), takes = route, described[route]
        fields = {name: st.sampled_from(values) for name, values in takes.fields.items() if values}
        needed = {name: values for name, values in fields.items() if name not in ("why", "back", "all", "name")}
        optional = {name: values for name, values in fields.items() if name not in needed}
        places = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in takes.places.items()})
        query = st.fixed_dictionaries(
            {}, optional={name: st.sampled_from(values) for name, values in takes.query.items() if values}
        )
        body = st.fixed_dictionaries(needed, optional=optional) if method == "POST" else st.none()

        def made(at: dict[str, str], asked: dict[str, str], form: dict[str, str] | None) -> Asked:
            filled = re.sub(r"\{([^}]*)\}", lambda place: at[place[1]], path)
            items: tuple[tuple[str, Any], ...] | None = None if form is None else tuple(form.items())
            return Asked(method, tuple(filled[1:].split("/")), takes.who, tuple(asked.items()), items)

        return st.builds(made, places, query, body)

    return hostile(st.sampled_from(sorted(described)).flatmap(of_route), WHO)
