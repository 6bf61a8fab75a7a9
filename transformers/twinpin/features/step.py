"""Features step: entity keys in, raw feature columns out, each entity with the time of its row."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson

from twinpin.features.entities import Entity
from twinpin.features.rows import Rows, Store
from twinpin.features.selection import Refusal, Row, Selection
from twinpin.features.settings import Settings
from twinpin.features.values import Value
from twinpin.features.window import SECOND, Status, cut, iso, parse_time_point
from twinpin.step.errors import CannotStart, Impossible, Malformed, TooLarge, UnknownEntities
from twinpin.step.step import (
    AS_OF,
    ENTITIES,
    ENTITY_KEY,
    MISSING,
    PARTIAL,
    TIME_POINT,
    Answer,
    Context,
    Parameter,
    Parameters,
    Tensors,
    TensorSpec,
)
from twinpin.step.telemetry import FEATURE_AGE, FEATURE_MISSES, FEATURES_STALE

#: Parameter of a request: "all" returns every value that a window has up to the time asked for, for a chart.
HISTORY = "history"
#: Parameter of its answer: seconds between two values of a window.
RESOLUTION = "resolution"

#: Entities that one error names; the rest are counted, so that a thousand ids do not make a page.
NAMED = 10

#: Why an entity has no features at all, whatever time is asked for.
ABSENT = (Status.UNKNOWN, Status.NULL)


class FeaturesStep:
    """Reads the features of the entities of a request, all in one query of the store."""

    name = "features"
    versions = ("1",)
    platform = "feast_online"

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._service = store.service
        self._settings = settings
        self._default = _default_entity(store, settings)

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The entity key, and what on-demand features take from the request."""
        key = self._service.key
        fields = (TensorSpec(field.name, field.kind.datatype, (-1,)) for field in self._service.request_fields)
        return (TensorSpec(key.name, key.datatype, (-1,)), *fields)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Every feature of the service in its own order: [n, W] for a window, oldest value first, [n] for a scalar."""
        length = self._settings.window or -1
        return tuple(
            TensorSpec(feature.name, feature.kind.datatype, (-1, length) if feature.is_window else (-1,))
            for feature in self._service.features
        )

    async def run(self, tensors: Tensors, context: Context) -> Answer:
        """Answer one request.

        Raises `Malformed` for keys that are none, `TooLarge` over the limit of entities, `Impossible` for a time that
        cannot be asked for, `UnknownEntities` for entities without features at that time, `Unavailable`.
        """
        selection = self._selection(context.parameters)
        partial = _flag(context.parameters)
        entities = self._entities(tensors, context.parameters)
        rows = await self._store.read(entities, self._fields(tensors, len(entities)), context.deadline)
        return self._answer(entities, selection, rows, partial=partial)

    def windowed(self, length: int | None) -> "FeaturesStep":
        """Make a step that passes on the *length* newest values of each window, on the same store."""
        return FeaturesStep(self._store, replace(self._settings, window=length))

    async def check(self) -> None:
        """Read one row; raises `Unavailable` while the store cannot be read."""
        await self._store.check()

    async def close(self) -> None:
        """Close the store's connections."""
        await self._store.close()

    def _selection(self, parameters: Parameters) -> Selection:
        """Decide which part of a row the request wants."""
        moment = parse_time_point(parameters.get(TIME_POINT))
        if moment is not None:
            self._refuse_past()
        history = parameters.get(HISTORY)
        if history not in (None, "all"):
            raise Malformed('history must be "all", or left out.')
        settings = self._settings
        return Selection(
            service=self._service,
            moment=moment,
            length=None if history else settings.window,
            resolution=round(settings.resolution * SECOND),
            max_age=None if settings.max_age is None else round(settings.max_age * SECOND),
        )

    def _refuse_past(self) -> None:
        """Refuse a time where nothing stored can answer for one."""
        features = self._service.features
        if not any(feature.is_window for feature in features):
            raise Impossible('These features have no history: ask for time_point "now".')
        computed = [feature.name for feature in features if feature.on_demand and not feature.is_window]
        if computed:
            raise Impossible(
                f'{", ".join(computed)} can be computed for the newest row alone: ask for time_point "now".'
            )

    def _entities(self, tensors: Tensors, parameters: Parameters) -> list[Entity]:
        """Find the entities of the request, or the configured one."""
        key = self._service.key
        named = parameters.get(ENTITY_KEY, key.name)
        if named != key.name:
            raise Malformed(f"The entity key here is {key.name}, not {named}.")
        allowed = {key.name, ENTITIES, *(field.name for field in self._service.request_fields)}
        if tensors.keys() - allowed or {key.name, ENTITIES} <= tensors.keys():
            raise Malformed(f"Send the entities as {key.name}: {', '.join(sorted(tensors))} came instead.")
        ids = tensors.get(key.name, tensors.get(ENTITIES))
        if ids is not None:
            if ids.size > self._settings.max_entities:
                raise TooLarge(f"{ids.size} entities are more than the {self._settings.max_entities} of one request.")
            return key.entities(ids)
        if self._default is None:
            raise Impossible(f"No entity is named and there is no default one: send ids of {key.name}.")
        return [self._default]

    def _fields(self, tensors: Tensors, rows: int) -> dict[str, list[Any]]:
        """Collect what on-demand features take from the request."""
        fields = {}
        for field in self._service.request_fields:
            values = tensors.get(field.name)
            if values is None or values.shape not in ((rows,), (rows, 1)):
                raise Malformed(f"Send {field.name} too, one value for each of the {rows} entities.")
            fields[field.name] = values.reshape(rows).tolist()
        return fields

    def _answer(self, entities: Sequence[Entity], selection: Selection, rows: Rows, *, partial: bool) -> Answer:
        """Cut every row and put them together."""
        whole = selection.all(rows)
        if whole is not None:
            FEATURE_AGE.observe(selection.age(whole.as_of))
            return Answer(whole.tensors, self._parameters(entities, whole.as_of, {}, selection))
        found: list[tuple[Entity, Row]] = []
        refusals: dict[str, Refusal] = {}
        for index, entity in enumerate(entities):
            row = selection.row(rows, index)
            if isinstance(row, Row):
                found.append((entity, row))
            else:
                refusals[str(entity)] = row
        FEATURE_MISSES.inc(sum(each.status in ABSENT for each in refusals.values()))
        FEATURES_STALE.inc(sum(each.status is Status.STALE for each in refusals.values()))
        if refusals and not (partial and found):
            raise self._unknown(refusals)
        return self._assemble(found, refusals, selection)

    def _assemble(
        self, found: Sequence[tuple[Entity, Row]], refusals: Mapping[str, Refusal], selection: Selection
    ) -> Answer:
        """Make the answer of the rows that were found."""
        tensors = {
            feature.name: feature.stack(_level([row.values[feature.name] for _, row in found]))
            for feature in self._service.features
        }
        entities, as_of = [entity for entity, _ in found], [row.as_of for _, row in found]
        FEATURE_AGE.observe(selection.age(as_of))
        return Answer(tensors, self._parameters(entities, as_of, refusals, selection))

    def _parameters(
        self,
        entities: Sequence[Entity],
        as_of: Sequence[int],
        refusals: Mapping[str, Refusal],
        selection: Selection,
    ) -> dict[str, Parameter]:
        """Say what the rows of the answer are of."""
        times = {moment: iso(moment) for moment in set(as_of)}
        parameters: dict[str, Parameter] = {
            ENTITY_KEY: self._service.key.name,
            ENTITIES: _json(entities),
            AS_OF: _json([times[moment] for moment in as_of]),
        }
        if refusals:
            parameters[MISSING] = _json({name: each.status for name, each in refusals.items()})
        if selection.length is None and any(feature.is_window for feature in self._service.features):
            parameters[RESOLUTION] = self._settings.resolution
        return parameters

    def _unknown(self, refusals: Mapping[str, Refusal]) -> UnknownEntities:
        """Name each entity without features, and what the store holds of it."""
        shown = [f"{name}: {refusal.reason}" for name, refusal in list(refusals.items())[:NAMED]]
        rest = f"; and {len(refusals) - NAMED} more" if len(refusals) > NAMED else ""
        hint = _hint({refusal.status for refusal in refusals.values()})
        message = f"No features for {self._service.key.name} {'; '.join(shown)}{rest}. {hint}"
        return UnknownEntities(message, {name: refusal.status.value for name, refusal in refusals.items()})


def _default_entity(store: Store, settings: Settings) -> Entity | None:
    """Read the setting of that name; raises `CannotStart` where the store has no such ids."""
    if settings.default_entity is None:
        return None
    try:
        return store.service.key.entity(settings.default_entity)
    except Malformed as error:
        raise CannotStart(f"The setting default_entity does not fit: {error.message}") from error


def _flag(parameters: Parameters) -> bool:
    """Read the parameter `partial`."""
    partial = parameters.get(PARTIAL, False)
    if not isinstance(partial, bool):
        raise Malformed("partial must be true or false.")
    return partial


def _json(value: Any) -> str:
    """Write a structure as a parameter carries it."""
    return orjson.dumps(value).decode()


def _hint(statuses: set[Status]) -> str:
    """Say what would help."""
    if statuses <= {Status.BEFORE_WINDOW, Status.AFTER_NEWEST}:
        return "Ask for a time inside the stored window."
    return 'Fill the store, or send "partial": true to leave them out.'


def _level(values: Sequence[Value]) -> Sequence[Value]:
    """Cut windows to the length of the shortest, since a tensor has one; the newest values stay."""
    lengths = {len(value) for value in values if isinstance(value, np.ndarray)}
    if len(lengths) < 2:  # noqa: PLR2004 -- one length needs no cut
        return values
    return [cut(value, 0, min(lengths)) if isinstance(value, np.ndarray) else value for value in values]
