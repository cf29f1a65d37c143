"""What jobs use of what costs money: gathered where it is used, told to the database with the worker's reports."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from exora.domain.job import ClaimedJob

#: Attempts shorter than this, in seconds, that read no page and called no API are told by lane only: there can be
#: thousands in a second.
_LONG_S = 1.0
#: Rows that a report carries; the rest comes with the next.
_MOST = 5000
_OUTCOMES = ("completed", "retried", "dead")
_NUMBERS = (*_OUTCOMES, "calls", "input_tokens", "output_tokens", "pages", "microusd", "run_s")


class UsageLog:
    """What jobs used since the last report, a row for each job's attempts and for each API it called."""

    def __init__(self) -> None:
        self._rows: dict[tuple[UUID, str], dict[str, Any]] = {}
        self._callers: set[UUID] = set()

    def called(
        self,
        job: ClaimedJob,
        model: str,
        *,
        input_tokens: int,
        output_tokens: int,
        pages: int,
        microusd: int,
        run_s: float,
    ) -> None:
        """A job called an API.

        Args:
            job: it.
            model: provider/endpoint.
            input_tokens, output_tokens: as the provider counts; as reserved when it did not say.
            pages: pictures that were read.
            microusd: millionths of a US dollar, by the list.
            run_s: how long it took.
        """
        self._callers.add(job.job_id)
        self._add(
            job, model, calls=1, input_tokens=input_tokens, output_tokens=output_tokens, pages=pages,
            microusd=microusd, run_s=run_s,
        )  # fmt: skip

    def worked(self, job: ClaimedJob, outcome: str, pages: int, run_s: float) -> None:
        """An attempt ended; counted when it was long, read pages or called an API."""
        if run_s >= _LONG_S or pages or job.job_id in self._callers:
            self._callers.discard(job.job_id)
            counted = {outcome: 1} if outcome in _OUTCOMES else {}
            self._add(job, "", pages=pages, run_s=run_s, **counted)

    def take(self) -> list[dict[str, Any]]:
        """The rows for a report; they are not told again."""
        keys = list(self._rows)[:_MOST]
        return [self._rows.pop(key) for key in keys]

    def _add(self, job: ClaimedJob, model: str, **numbers: float) -> None:
        row = self._rows.get((job.job_id, model))
        if row is None:
            row = self._rows[job.job_id, model] = {
                "job_id": str(job.job_id),
                "patient_id": None if job.patient_id is None else str(job.patient_id),
                "lane": job.lane,
                "model": model,
                **dict.fromkeys(_NUMBERS, 0),
            }
        for name, number in numbers.items():
            row[name] += number
