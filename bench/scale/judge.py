"""What a day of traffic showed: how the limit was used, who waited how long, and whether that was fair."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

#: So many waiting jobs are no queue.
_FEW = 5


@dataclass
class Seen:
    """What happened, in seconds since the day began.

    Attributes:
        asked: when each job was enqueued, whose it is, its priority.
        started: when each job was first in the hands of a worker.
        granted: when each call began, and of which job.
        done: when each job was, likewise.
        depth: now and then: jobs that waited, and jobs in the hands of workers.
        put_off: attempts that got no capacity within their patience.
        most_under_way: calls at once.
    """

    asked: dict[UUID, tuple[float, UUID, int]] = field(default_factory=dict)
    started: dict[UUID, float] = field(default_factory=dict)
    granted: list[tuple[float, UUID]] = field(default_factory=list)
    done: list[tuple[float, UUID]] = field(default_factory=list)
    depth: list[tuple[float, int, int]] = field(default_factory=list)
    put_off: int = 0
    most_under_way: int = 0


def judged(seen: Seen, heavy: UUID, rpm: int, morning: tuple[float, float]) -> dict[str, Any]:
    """The figures of a run.

    Args:
        seen: what happened.
        heavy: the patient who uploads much at once.
        rpm: calls a minute that the limit allows.
        morning: from when to when more is asked for than that.
    """
    granted = sorted(seen.granted)
    at = [moment for moment, _ in granted]
    begin, end = _busy(seen, at)
    first = {job: moment for moment, job in reversed(granted)}
    waits = _waits(seen, first)
    # The same calls dealt out first come, first served.
    in_turn = dict(zip(sorted(seen.asked, key=lambda job: seen.asked[job][0]), sorted(first.values()), strict=False))
    fifo = _waits(seen, in_turn)
    rush = [job for job, (asked, _, _) in seen.asked.items() if morning[0] <= asked < morning[1]]
    by_priority = defaultdict(list)
    alike = defaultdict(list)
    for job in rush:
        _, patient, priority = seen.asked[job]
        if patient != heavy and job in waits:
            by_priority[priority].append(waits[job])
            if priority == 5:
                alike[patient].append(waits[job])
    return {
        "jobs": len(seen.asked),
        "done": len({job for _, job in seen.done}),
        "put_off": seen.put_off,
        "most_in_60_s": max(bisect_right(at, moment) - bisect_right(at, moment - 60) for moment in at),
        "most_under_way": seen.most_under_way,
        "busy_s": [begin, end],
        "utilisation": sum(begin <= moment < end for moment in at) / max(rpm / 60 * (end - begin), 1),
        "jain_of_shares": {
            "as_served": jain(_shares(seen, first, heavy, morning[0])),
            "first_come_first_served": jain(_shares(seen, in_turn, heavy, morning[0])),
        },
        "jain_of_light_waits": jain([statistics.mean(values) for values in alike.values()]),
        "wait_s": {
            name: {
                "heavy": spread([found[job] for job in rush if job in found and seen.asked[job][1] == heavy]),
                "light": spread([found[job] for job in rush if job in found and seen.asked[job][1] != heavy]),
            }
            for name, found in (("as_served", waits), ("first_come_first_served", fifo))
        },
        "wait_by_priority_s": {str(priority): spread(values) for priority, values in sorted(by_priority.items())},
        "granted": at,
        "depth": seen.depth,
    }


def _waits(seen: Seen, at: dict[UUID, float]) -> dict[UUID, float]:
    return {job: max(moment - seen.asked[job][0], 0.0) for job, moment in at.items()}


def _busy(seen: Seen, granted: list[float]) -> tuple[float, float]:
    """The longest span in which more than a few jobs waited for a call, its first minute left out: a full window of the
    limit may go at once."""
    asked = sorted(at for at, _, _ in seen.asked.values())
    spans, start = [(0.0, 0.0)], None
    for second in range(int(granted[-1]) + 2):
        waiting = bisect_right(asked, second) - bisect_right(granted, second)
        if waiting > _FEW and start is None:
            start = float(second)
        elif waiting <= _FEW and start is not None:
            spans.append((start + 60.0, float(second)))
            start = None
    return max(spans, key=lambda span: span[1] - span[0])


def _shares(seen: Seen, at: dict[UUID, float], heavy: UUID, begin: float) -> list[float]:
    """Of each patient, while the heavy one has work that waits: calls over what is max-min fair: an equal share
    of all calls in that span, but to nobody more than he asked for.

    Args:
        seen: what was asked for.
        at: when each job had its call.
        heavy: whose work bounds the span.
        begin: when it came.
    """
    end = max(moment for job, moment in at.items() if seen.asked[job][1] == heavy)
    wanted: Counter[UUID] = Counter()
    got: Counter[UUID] = Counter()
    for job, (asked, patient, _) in seen.asked.items():
        if asked <= end and at.get(job, math.inf) >= begin:
            wanted[patient] += 1
            got[patient] += at.get(job, math.inf) <= end
    fair, left = {}, float(got.total())
    for place, (patient, count) in enumerate(sorted(wanted.items(), key=lambda item: item[1])):
        fair[patient] = min(float(count), left / (len(wanted) - place))
        left -= fair[patient]
    return [got[patient] / fair[patient] for patient in wanted]


def jain(values: list[float]) -> float:
    """Jain's index: 1 = all equal, 1/n = one has everything."""
    return sum(values) ** 2 / (len(values) * sum(value * value for value in values)) if any(values) else 0.0


def spread(values: list[float]) -> dict[str, float]:
    """p50 and p95."""
    ordered = sorted(values)
    return (
        {"p50": statistics.median(ordered), "p95": ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)]}
        if ordered
        else {}
    )
