"""Changes of an alarm as episodes, and what judging again makes of those that are recorded. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from domain.alarm import EndReason, Episode, EpisodeFound, GaugeFault
from iot.alarms import AlarmEnded, AlarmRaised, Change
from iot.gauge_health import FaultEnded, FaultRaised


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the recorded episodes differ from those that were found.

    Attributes:
        new: found, and not recorded.
        changed: recorded, and found at another time or with another end.
        withdrawn: recorded, and not found.
    """

    new: list[EpisodeFound]
    changed: list[tuple[Episode, EpisodeFound]]
    withdrawn: list[Episode]


def begin_episode(change: AlarmRaised | FaultRaised) -> EpisodeFound:
    """The episode that begins with a change."""
    if isinstance(change, FaultRaised):
        details = {} if change.value is None else {"value": change.value}
        return EpisodeFound(
            level=None, code=change.code.value, since=change.since, raised_at=change.at, details=details
        )
    return EpisodeFound(
        level=change.level.level,
        code="sensor.rate" if change.quantity == "rate_per_day" else "sensor.threshold",
        since=change.since,
        raised_at=change.at,
        details={
            "quantity": change.quantity,
            "value": change.value,
            "limit": change.limit,
            "action": change.level.action,
            "is_gauge_doubtful": change.is_gauge_doubtful,
        },
    )


def end_episode(found: EpisodeFound, change: AlarmEnded | FaultEnded) -> EpisodeFound:
    """The episode with its end."""
    reason = change.reason if isinstance(change, AlarmEnded) else EndReason.CLEARED
    return replace(found, ended_at=change.at, end_reason=reason)


def find_track(change: AlarmEnded | FaultEnded) -> str:
    """What the episode that ends is of, as `EpisodeFound.track` has it."""
    return f"level:{change.level}" if isinstance(change, AlarmEnded) else change.code.value


def fold_changes(episodes: Sequence[EpisodeFound], changes: Iterable[Change]) -> list[EpisodeFound]:
    """Episodes with what changes add to them, by their beginning.

    Args:
        episodes: so far; at most one of each track goes on.
        changes: in the order of time.
    """
    folded = list(episodes)
    going_on = {each.track: place for place, each in enumerate(folded) if each.ended_at is None}
    for change in changes:
        if isinstance(change, AlarmRaised | FaultRaised):
            found = begin_episode(change)
            going_on[found.track] = len(folded)
            folded.append(found)
        elif (place := going_on.pop(find_track(change), None)) is not None:
            folded[place] = end_episode(folded[place], change)
    return folded


def compare_episodes(found: Sequence[EpisodeFound], recorded: Sequence[Episode], *, after: datetime) -> Comparison:
    """How the recorded episodes differ from those that judging again has found.

    An episode that was found is the recorded one of its track that it overlaps, so that a beginning some minutes
    earlier is no other alarm; of several the first.

    Args:
        found: by their beginning.
        recorded: that go on after `after` or begin later, by their beginning.
        after: what was raised until then is not in question. Aware.
    """
    left = list(recorded)
    new, changed = [], []
    for each in found:
        match = next((old for old in left if old.found.track == each.track and _overlap(old.found, each)), None)
        if match is None:
            new.append(each)
            continue
        left.remove(match)
        if _times(match.found) != _times(each):
            changed.append((match, each))
    return Comparison(new, changed, [old for old in left if old.found.raised_at > after])


def is_judged_from_readings(found: EpisodeFound) -> bool:
    """Whether it follows from the sensor's own readings alone; silence and drift do not."""
    return found.code not in {GaugeFault.SILENT, GaugeFault.DRIFTING}


def episode_to_json(found: EpisodeFound) -> dict[str, Any]:
    """The episode, JSON-ready."""
    ended_at = None if found.ended_at is None else found.ended_at.isoformat()
    times = {"since": found.since.isoformat(), "raised_at": found.raised_at.isoformat(), "ended_at": ended_at}
    return {**asdict(found), **times}


def episode_from_json(given: Mapping[str, Any]) -> EpisodeFound:
    """The inverse of `episode_to_json`."""
    ended_at, reason = given["ended_at"], given["end_reason"]
    return EpisodeFound(
        level=given["level"],
        code=given["code"],
        since=datetime.fromisoformat(given["since"]),
        raised_at=datetime.fromisoformat(given["raised_at"]),
        ended_at=None if ended_at is None else datetime.fromisoformat(ended_at),
        end_reason=None if reason is None else EndReason(reason),
        details=given["details"],
    )


def _overlap(one: EpisodeFound, other: EpisodeFound) -> bool:
    return (one.ended_at is None or other.since <= one.ended_at) and (
        other.ended_at is None or one.since <= other.ended_at
    )


def _times(found: EpisodeFound) -> tuple[object, ...]:
    return found.since, found.raised_at, found.ended_at, found.end_reason
