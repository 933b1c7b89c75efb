"""Finds the declarations and sources of the project and checks what one file cannot know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workflows.code_systems import one_spelling
from workflows.codes import Codes
from workflows.cohorts import EventsOf, InpatientStays, as_cohort, of_periods
from workflows.concept_sets import collections, set_names
from workflows.covariates import covariates, derived_in_order, sets_of, written_out
from workflows.declare import AtIndex, CountOf, Declaration, Event, Featurization, Model, Recorded, Reference
from workflows.errors import DeclarationError
from workflows.examples import checked_codes
from workflows.feature_columns import TEXT, feature_columns
from workflows.features import Derived, OfConcepts, in_observation, reach
from workflows.interpreter import refuse_different
from workflows.leaks import refuse_end, refuse_other_rows, refuse_outcome
from workflows.loading import declared, label, refuse_misnamed
from workflows.source import Source
from workflows.steps import NoPriorOutcome, OfWindow, Step
from workflows.values import has_units

HERE = Path(__file__).parent
# In the order in which each is made of the one before it.
NOTES = ("note", "note_clean", "note_sentences")
RESERVED = ("ml", "reference", "default", "information_schema")


@dataclass(frozen=True)
class Catalogue:
    """Everything declared, by name; `files` says where, beginning with the folder that was searched.

    retired: declarations taken out of service. They have no jobs any more, and their data stay.
    """

    sources: dict[str, Source] = field(default_factory=dict)
    featurizations: dict[str, Featurization] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    retired: dict[str, Declaration] = field(default_factory=dict)
    references: dict[str, Reference] = field(default_factory=dict)

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        """References, then featurizations by name, then models by name."""
        return (*self.references.values(), *self.featurizations.values(), *self.models.values())


def found(folder: Path, root: Path, kind: type) -> Iterable[tuple[str, Any]]:
    """(file, object) for every module-level object of `kind` in the folder's files, in order of file name."""
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            variables = dict(declared(path, root, kind))
            if kind is Source:
                refuse_misnamed(path, root, variables)
            for value in variables.values():
                yield label(path, root), value


def discover(root: Path = HERE, *, clusters: Iterable[str], examples: bool = True) -> Catalogue:
    """All sources, featurizations and models under `root`, checked against each other and against `clusters`.

    examples: whether each model's examples must come out as they say; without it the caller judges them.
    """
    catalogue = Catalogue()
    kinds: tuple[tuple[str, type, dict[str, Any]], ...] = (
        ("sources", Source, catalogue.sources),
        ("references", Reference, catalogue.references),
        ("featurizations", Featurization, catalogue.featurizations),
        ("models", Model, catalogue.models),
        ("retired", Featurization, catalogue.retired),
        ("retired", Model, catalogue.retired),
    )
    for folder, kind, into in kinds:
        for file, value in found(root / folder, root, kind):
            name = value.name
            # A model and a featurization must differ too: both name jobs. A source names only its zones.
            key = f"source:{name}" if folder == "sources" else f"declaration:{name}"
            if key in catalogue.files:
                where = "another variable of this file" if catalogue.files[key] == file else catalogue.files[key]
                raise DeclarationError(name, "name", name, f"a name of its own; {where} declares it already", file)
            into[name] = value
            catalogue.files[key] = file
    clusters = tuple(sorted(clusters))
    for reference in catalogue.references.values():
        check_references(catalogue, reference, clusters)
    for featurization in catalogue.featurizations.values():
        check_featurization(catalogue, featurization, clusters)
    for source in catalogue.sources.values():
        check_source(catalogue, source)
    for model in catalogue.models.values():
        check_model(catalogue, model, clusters)
    check_tables(catalogue)
    for model in catalogue.models.values() if examples else ():
        check_examples(catalogue, model)
    return replace(
        catalogue,
        featurizations=dict(sorted(catalogue.featurizations.items())),
        models=dict(sorted(catalogue.models.items())),
    )


def check_reference(owner: str, field_name: str, value: str, valid: Iterable[str], file: str) -> None:
    """Raise unless `value` is one of `valid`."""
    if value not in (choices := sorted(valid)):
        raise DeclarationError(owner, field_name, value, choices or "none, as the source has no such thing", file)


def check_source(catalogue: Catalogue, source: Source) -> None:
    """What it says of an encounter or an event it says from their own row, and something makes tables of it, or did.

    did: its featurization is retired, and the data that stay are still described.
    """
    file = catalogue.files[f"source:{source.name}"]
    try:
        refuse_other_rows(source)
    except DeclarationError as error:
        raise error.at(file) from error
    if source.name not in {one.source for one in (*catalogue.featurizations.values(), *catalogue.retired.values())}:
        valid = f"one or more in featurizations/: <name> = Featurization(source={source.name!r}, ...)"
        raise DeclarationError(source.name, "featurization", None, valid, file)


def check_references(catalogue: Catalogue, one: Reference, clusters: tuple[str, ...]) -> None:
    """Its cluster and collections exist."""
    file = catalogue.files[f"declaration:{one.name}"]
    check_reference(one.name, "cluster", one.cluster, clusters, file)
    for name in one.collections:
        check_reference(one.name, "collections", name, collections(), file)


def check_featurization(catalogue: Catalogue, one: Featurization, clusters: tuple[str, ...]) -> None:
    """Its source, cluster and tables exist."""
    file = catalogue.files[f"declaration:{one.name}"]
    check_reference(one.name, "source", one.source, catalogue.sources, file)
    check_reference(one.name, "cluster", one.cluster, clusters, file)
    if one.history and (time := catalogue.sources[one.source].time) != "calendar":
        # When a row became known is a day of the calendar, which no day of such a source can be held against.
        raise DeclarationError(one.name, "history", True, f"False, as the time of {one.source} is {time}", file)
    for table in one.tables:
        check_reference(one.name, "tables", table, (*catalogue.sources[one.source].made_from, *NOTES), file)
    if (made := [table for table in NOTES if table in one.tables]) != list(NOTES[: len(made)]):
        raise DeclarationError(
            one.name, "tables", made, f"each table of notes with those before it: {', '.join(NOTES)}", file
        )
    if made and catalogue.sources[one.source].notes is None:
        raise DeclarationError(one.name, "tables", made, f"no notes, as {one.source} declares none", file)


def check_tables(catalogue: Catalogue) -> None:
    """No two featurizations write one table: the later run would replace what the other wrote."""
    writers: dict[tuple[str, str], str] = {}
    for one in catalogue.featurizations.values():
        for table in one.tables:
            if (other := writers.setdefault((one.source, table), one.name)) != one.name:
                file = catalogue.files[f"declaration:{one.name}"]
                told = f"tables that no other featurization of {one.source} writes; {other} writes it already"
                raise DeclarationError(
                    one.name, "tables", table, f"{told} ({catalogue.files[f'declaration:{other}']})", file
                )


def check_model(catalogue: Catalogue, model: Model, clusters: tuple[str, ...]) -> None:
    """Its source has a featurization, its cluster exists, and its features and outcome fit the source."""
    file = catalogue.files[f"declaration:{model.name}"]
    zones = {*RESERVED, *catalogue.sources, *(f"{s}_{z}" for s in catalogue.sources for z in ("ra", "exploratory"))}
    if model.name in zones:
        raise DeclarationError(
            model.name, "name", model.name, f"a name that is no zone ({', '.join(sorted(zones))})", file
        )
    check_reference(model.name, "source", model.source, {f.source for f in catalogue.featurizations.values()}, file)
    check_reference(model.name, "cluster", model.cluster, clusters, file)
    source = catalogue.sources[model.source]
    for feature in model.features:
        where = f"features.{feature.name}"
        if source.time == "order" and (window := reach(feature)) is not None:
            raise DeclarationError(
                model.name, where, f"window {window}",
                f"a feature without a window in days: the time of {source.name} is only an order", file,
            )  # fmt: skip
        if isinstance(feature, AtIndex):
            check_reference(model.name, where, feature.attribute, source.attributes, file)
        elif isinstance(feature, OfConcepts):
            check_concepts(catalogue, model, feature, file)
        if in_observation(feature) and not has_periods(catalogue, source):
            told = f"in_observation=False: no featurization of {source.name} makes fact_observation_period"
            raise DeclarationError(model.name, where, "in_observation=True", told, file)
    refuse_end(model, source, file)
    check_columns(model, source, file)
    check_cohort(catalogue, model, file)
    if isinstance(model.outcome, Recorded):
        check_reference(model.name, "outcome", model.outcome.name, source.outcomes, file)
        refuse_outcome(model, source, file)
    elif isinstance(model.outcome, Event):
        if source.time == "order":
            raise DeclarationError(
                model.name, "outcome", f"{model.outcome.criterion.title} in days {model.outcome.time_at_risk}",
                f"an outcome that {source.name} recorded (its time is only an order): {', '.join(source.outcomes)}",
                file,
            )  # fmt: skip
        check_set(model, source, model.outcome.concepts, "outcome", source.named_events, file)


def check_examples(catalogue: Catalogue, model: Model) -> None:
    """Its declaration makes of each of its examples what the example says, and no code in one is misspelt."""
    source = catalogue.sources[model.source]
    try:
        for example in model.examples:
            checked_codes(model.name, example, source.vocabularies)
        refuse_different(model, source)
    except DeclarationError as error:
        raise error.at(catalogue.files[f"declaration:{model.name}"]) from error


def check_concepts(catalogue: Catalogue, model: Model, feature: OfConcepts, file: str) -> None:
    """Its collection or named event is known to the source, and so are its units."""
    source, where = catalogue.sources[model.source], f"features.{feature.name}"
    events = source.named_events if isinstance(feature, CountOf) else ()
    if feature.collection:
        known = [*source.collections, *events]
        # A named event has no sets.
        told = feature.concepts if feature.collection in events else feature.collection
        check_reference(model.name, where, str(told), known, file)
    if feature.units and not has_units(source):
        raise DeclarationError(model.name, where, f"unit={feature.units}", f"no unit: {source.name} has none", file)
    if feature.collection in events and feature.rule != "start":
        raise DeclarationError(
            model.name, where, feature.concepts, "a concept set; encounters are counted by start", file
        )


def has_periods(catalogue: Catalogue, source: Source) -> bool:
    """Whether a featurization of the source makes observation periods."""
    made = (one.tables for one in catalogue.featurizations.values() if one.source == source.name)
    return any("fact_observation_period" in tables for tables in made)


def check_cohort(catalogue: Catalogue, model: Model, file: str) -> None:
    """Its entry and steps fit the source: events, tables, concept sets, days, observation periods."""
    source, cohort = catalogue.sources[model.source], as_cohort(model.cohort)
    stays = isinstance(cohort.entry, InpatientStays)
    for part in (cohort.entry, *cohort.steps):
        where = f"cohort.{type(part).__name__}"
        if source.time == "order" and (part.dated if isinstance(part, Step) else not stays):
            told = f"steps without days or ages, such as FirstOfPerson: the time of {source.name} is only an order"
            raise DeclarationError(model.name, where, part.reason, told, file)
        if isinstance(part, NoPriorOutcome) and not isinstance(model.outcome, Event):
            raise DeclarationError(model.name, where, model.outcome.name, "an outcome that is an Event", file)
        if isinstance(part, (EventsOf, OfWindow)):
            if part.table:
                check_reference(model.name, f"{where}.table", part.table, {one.table for one in source.events}, file)
            events = source.named_events if isinstance(part, OfWindow) else ()
            check_set(model, source, part.concepts, f"{where}.concepts", events, file)
            if part.concepts in events and part.table:
                told = f"none: {part.concepts} is no coded event"
                raise DeclarationError(model.name, f"{where}.table", part.table, told, file)
    if of_periods(cohort, source) and not has_periods(catalogue, source):
        told = f"steps without observation: no featurization of {source.name} makes fact_observation_period"
        raise DeclarationError(model.name, "cohort", "observation periods", told, file)
    if not stays:
        refuse_at_index(model, type(cohort.entry).__name__, file)


def refuse_at_index(model: Model, entry: str, file: str) -> None:
    """Raise for what only an index encounter can say, where the entry of a cohort is none."""
    if isinstance(model.outcome, Recorded):
        told = f"an outcome that is an Event: {entry} has no index encounter that could record it"
        raise DeclarationError(model.name, "outcome", model.outcome.name, told, file)
    for feature in model.features:
        if isinstance(feature, AtIndex) or (isinstance(feature, OfConcepts) and feature.window is None):
            told = f"a feature of a window in days: {entry} has no index encounter"
            raise DeclarationError(model.name, f"features.{feature.name}", feature.name, told, file)


def check_set(
    model: Model, source: Source, concepts: str | Codes, where: str, events: Sequence[str], file: str
) -> None:  # fmt: skip
    """The concept set of an entry, a step or an outcome exists, or it is one of the named events that it may be of."""
    if isinstance(concepts, str):
        sets = [f"{name}.{one}" for name in source.collections for one in set_names(name)]
        check_reference(model.name, where, concepts, [*sets, *events], file)


def check_columns(model: Model, source: Source, file: str) -> None:
    """Each column once; derived features are of columns that there are, without a cycle."""
    sets = sets_of(model.features, source.collections)
    try:
        check_written(model, source)
        # Of events: no column, and no meaning, twice.
        covariates(model.features, sets)
        every = feature_columns(model, source, sets)
        names = [one.name for one in every]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            told = "a column of its own; two features make it"
            raise DeclarationError(model.name, "features", twice[0], told)
        derived = {feature.name for feature in model.features if isinstance(feature, Derived)}
        # Sex and an age band are no numbers.
        numbers = [one.name for one in every if one.holds != TEXT and one.name not in derived]
        derived_in_order(model.name, model.features, numbers)
    except DeclarationError as error:
        raise error.at(file) from error


def check_written(model: Model, source: Source) -> None:
    """Codes that are written out are in the one spelling, of vocabularies that the source has: others match nothing."""
    vocabularies = source.vocabularies
    for name, pairs in written_out(model.of_events).items():
        for vocabulary, code in pairs:
            if vocabularies and vocabulary not in vocabularies:
                raise DeclarationError(model.name, f"Codes {name!r}", vocabulary, vocabularies)
            one_spelling(f"{model.name}: Codes {name!r}", vocabulary, code)
