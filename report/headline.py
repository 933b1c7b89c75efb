"""The result in one sentence and the figures a reader looks for first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from report import model, monitoring, words
from report.stores import Stage


@dataclass(frozen=True)
class Figure:
    """A key figure: what it is called, what it is, and what stands in small print under it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Headline:
    """The version that the report is about, where it lives, what it was retrained to, and the words for it."""

    stage: Stage
    version: model.Trained
    retrained: model.Trained | None
    sentence: str
    figures: tuple[Figure, ...]


def headline(
    stages: Sequence[Stage],
    name: str,
    found: dict[str, list[model.Trained]],
    watched: list[monitoring.Watched] | None,
) -> Headline | None:
    """Of the last stage in which a model was evaluated; null where none was yet."""
    stage = next((stage for stage in reversed(stages) if found[stage.name]), None)
    if stage is None:
        return None
    versions = found[stage.name]
    scored = stage.tables.rows(f"{name}.predictions", columns=("mlflow_run_id", "scored_at")) or []
    used = min(scored, key=lambda row: str(row["scored_at"]))["mlflow_run_id"] if scored else None
    registered = [one for one in versions if one.version] or versions
    version = next((one for one in versions if one.run == used), registered[0])
    newer = monitoring.retrained(watched, versions)
    steps = model.attrition(stage, name)
    figures = [
        Figure("Model", name, f"version {version.version or words.NOTHING}, {version.stage} stage"),
        _estimate("AUROC", version.overall("auroc"), 3),
        _estimate("Observed / expected", version.overall("observed_over_expected"), 2),
        Figure("Eligible encounters", steps[-1].encounters if steps else words.NOTHING, _persons(steps)),
        Figure("Gates passed", f"{version.passed} of {len(version.checks)}", _not_passed(version) or _fate(version)),
        Figure("Predictions", words.count(len(scored)) if scored else words.NOTHING, "encounters scored"),
        _signal(watched),
        Figure(
            "Retrained version",
            newer.version if newer else "none",
            f"{newer.passed} of {len(newer.checks)} gates passed, {_fate(newer)}" if newer else "",
        ),
    ]
    return Headline(stage, version, newer, _sentence(name, version, len(scored), watched, newer), tuple(figures))


def _estimate(name: str, estimate: model.Estimate | None, digits: int) -> Figure:
    if estimate is None or not estimate.shown:
        return Figure(name, words.NOTHING, "too few to show" if estimate else "not evaluated yet")
    around = words.interval(estimate.low, estimate.high, digits)
    return Figure(name, words.number(estimate.value, digits), f"95 % interval {around}" if around else "")


def _fate(version: model.Trained) -> str:
    return "became champion" if version.champion else "not promoted"


def _persons(steps: list[model.Step] | None) -> str:
    return f"of {steps[-1].persons} persons" if steps else "featurization has not run"


def _not_passed(version: model.Trained) -> str:
    states = [check.state for check in version.checks if check.state != "passed"]
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


def _signal(watched: list[monitoring.Watched] | None) -> Figure:
    if watched is None:
        return Figure("Monitoring signal", words.NOTHING, "monitoring has not run")
    signalled = [one for one in watched if one.signals] or watched[-1:]
    started = signalled[-1].started
    return Figure(
        "Monitoring signal", signalled[-1].signal, f"started {started[0].job}" if started else "started nothing"
    )


def _sentence(
    name: str,
    version: model.Trained,
    scored: int,
    watched: list[monitoring.Watched] | None,
    newer: model.Trained | None,
) -> str:
    """What happened, in one sentence."""
    which = f"Version {version.version}" if version.version else "An unregistered version"
    parts = [f"{which} of {name}, trained in the {version.stage} stage"]
    auroc = version.overall("auroc")
    if auroc is not None and auroc.shown:
        around = words.interval(auroc.low, auroc.high)
        parts.append(
            f"ranks persons it never saw with AUROC {words.number(auroc.value)}" + (f" ({around})" if around else "")
        )
    rest = _not_passed(version)
    parts.append(f"passed {version.passed} of {len(version.checks)} gates" + (f" ({rest})" if rest else ""))
    if version.champion:
        parts.append("became champion")
    if scored:
        parts.append(f"scored {words.count(scored)} encounters")
    sentence = parts[0] + ", " + ", ".join(parts[1:-1]) + (" and " if len(parts) > 2 else "") + parts[-1]
    if watched is None:
        return sentence + "."
    signals = [one for one in watched if one.signals]
    if not signals:
        return f"{sentence}; monitoring is quiet."
    sentence += f"; monitoring then found {signals[-1].signal}"
    if newer:
        judged = f"{newer.passed} of {len(newer.checks)} gates passed, {_fate(newer)}"
        return f"{sentence} and started retraining, which gave version {newer.version} ({judged})."
    return sentence + (" and started retraining." if signals[-1].started else ".")
