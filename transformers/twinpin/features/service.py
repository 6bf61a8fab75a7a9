"""Service: what a Feast FeatureService promises, read once from the registry.

Nothing here runs per request: looking a service up costs more than reading its features, and a definition that changed
below a running step would feed a model features that it was not fitted on. A new definition takes a new rollout, as a
new pair does.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from twinpin.features.entities import INTEGERS, EntityKey
from twinpin.features.values import SCALARS, WINDOWS, Feature
from twinpin.features.window import SECOND
from twinpin.step.errors import CannotStart

#: Feast's own key of views that have no entity.
DUMMY_KEY = "__dummy_id"


@dataclass(frozen=True)
class Service:
    """The features of one FeatureService, their key and their views."""

    key: EntityKey
    features: tuple[Feature, ...]
    #: Stored view -> column of Feast's response that carries the view's event times.
    columns: Mapping[str, str]
    #: Stored view -> its ttl in microseconds, 0 for none. Feast does not apply it online.
    ttls: Mapping[str, int]
    #: On-demand view -> the stored views it is computed from; those made of the request alone are left out.
    sources: Mapping[str, tuple[str, ...]]
    #: Scalars that an on-demand view takes from the request, as features of no view.
    request_fields: tuple[Feature, ...]
    #: What to ask Feast for: its FeatureService, or names of features where Feast would not serve that as it should.
    query: Any
    #: The same without on-demand views, whose code may not bear an entity that has no features.
    probe: Any

    @cached_property
    def stored(self) -> frozenset[str]:
        """The stored views."""
        return frozenset(self.columns)

    @cached_property
    def windows(self) -> frozenset[str]:
        """Views that hold windows and have a time of their own."""
        views = {feature.view for feature in self.features if feature.is_window}
        return frozenset(views & (self.columns.keys() | self.sources.keys()))


def read_service(registry: Any, project: str, name: str, entity_key: str | None) -> Service:
    """Read the service *name*; raises `CannotStart` where it cannot be served."""
    service = registry.get_feature_service(name, project)
    stored, on_demand = _views(registry, project, service.feature_view_projections)
    sources = {view: sources for view, (_, each) in on_demand.items() if (sources := _sources(each))}
    missing = _missing_sources(registry, project, on_demand, stored)
    views = stored | missing
    columns = {view: _column(view, projection.features[0].name) for view, (projection, _) in views.items()}
    refs = [f"{view}:{projection.features[0].name}" for view, (projection, _) in views.items()]
    return Service(
        key=_key(views.values(), entity_key, name),
        features=tuple(_features(service.feature_view_projections, on_demand)),
        columns=columns,
        ttls={view: _ttl(each) for view, (_, each) in views.items()},
        sources=sources,
        request_fields=tuple(_request_fields(each for _, each in on_demand.values())),
        # Feast reads a service with precomputed vectors from those alone, and one unknown entity fails the request.
        query=[*_refs(service, stored), *refs[len(stored) :]] if missing or service.precompute_online else service,
        probe=refs if on_demand or service.precompute_online else service,
    )


def _views(registry: Any, project: str, projections: Iterable[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Look up the views of *projections*: those that are stored, and those computed on demand."""
    stored, on_demand = {}, {}
    for projection in projections:
        view = registry.get_any_feature_view(projection.name, project)
        kind = on_demand if hasattr(view, "source_feature_view_projections") else stored
        kind[projection.name_to_use()] = (projection, view)
    return stored, on_demand


def _sources(on_demand_view: Any) -> tuple[str, ...]:
    """Name the stored views that an on-demand view is computed from."""
    return tuple(each.name_to_use() for each in on_demand_view.source_feature_view_projections.values())


def _missing_sources(
    registry: Any, project: str, on_demand: Mapping[str, Any], stored: Mapping[str, Any]
) -> dict[str, Any]:
    """Find the sources that the service itself does not name: without them Feast's answer holds no event times."""
    projections = [
        source
        for _, view in on_demand.values()
        for source in view.source_feature_view_projections.values()
        if source.name_to_use() not in stored
    ]
    return _views(registry, project, projections)[0]


def _refs(service: Any, stored: Mapping[str, Any]) -> list[str]:
    """Name every feature of the service, which is possible where no view has another name in it."""
    for name, (projection, _) in stored.items():
        if projection.name != name or projection.join_key_map:
            raise CannotStart(
                f"FeatureService {service.name} renames the view {projection.name}, so it must name the sources "
                "of its on-demand views too, and not be precomputed."
            )
    return [
        f"{each.name_to_use()}:{feature.name}" for each in service.feature_view_projections for feature in each.features
    ]


def _column(view: str, feature: str) -> str:
    """Name a column of Feast's response with full feature names."""
    return f"{view}__{feature}"


def _features(projections: Iterable[Any], on_demand: Mapping[str, Any]) -> Iterable[Feature]:
    """Describe the features in the service's own order; a name that two views share gets its view before it."""
    projections = list(projections)
    names = Counter(feature.name for projection in projections for feature in projection.features)
    for projection in projections:
        view = projection.name_to_use()
        for feature in projection.features:
            column = _column(view, feature.name)
            yield Feature(
                name=feature.name if names[feature.name] == 1 else column,
                view=view,
                type=_served(feature.name, feature.dtype.to_value_type().name),
                on_demand=view in on_demand,
                column=column,
            )


def _served(feature: str, value_type: str) -> str:
    """Pass on a value type that a tensor can hold."""
    if value_type not in SCALARS and value_type not in WINDOWS:
        raise CannotStart(
            f"Feature {feature} is of Feast type {value_type}, which no tensor can hold: serve one of "
            f"{', '.join([*SCALARS, *WINDOWS])}."
        )
    return value_type


def _key(views: Iterable[tuple[Any, Any]], wanted: str | None, service: str) -> EntityKey:
    """Find the one join key that every view of the service has."""
    kinds: dict[str, str] = {}
    for projection, view in views:
        for column in view.entity_columns:
            if column.name != DUMMY_KEY:
                name = projection.join_key_map.get(column.name, column.name)
                kinds[name] = column.dtype.to_value_type().name
    if len(kinds) != 1 or (wanted or next(iter(kinds))) not in kinds:
        raise CannotStart(
            f"FeatureService {service} has the join keys {sorted(kinds)}, and the setting entity_key is {wanted}: "
            "a service with exactly one join key can be served, and entity_key, where set, is its name."
        )
    ((name, kind),) = kinds.items()
    if kind != "STRING" and kind not in INTEGERS:
        raise CannotStart(f"Join key {name} is of Feast type {kind}: it must be STRING, INT32 or INT64.")
    return EntityKey(name, kind)  # type: ignore[arg-type]


def _ttl(view: Any) -> int:
    """Read a view's ttl in microseconds; 0: rows never expire."""
    return int(view.ttl.total_seconds() * SECOND) if view.ttl else 0


def _request_fields(on_demand_views: Iterable[Any]) -> Iterable[Feature]:
    """Describe what on-demand views take from the request."""
    fields = {}
    for view in on_demand_views:
        for name, value_type in view.get_request_data_schema().items():
            fields[name] = Feature(name=name, view="", type=_served(name, value_type.name))
    return fields.values()
