"""Panels: the few kinds that the dashboard has, each in Grafana's types."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from grafana_foundation_sdk.builders import common as shared
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import common, dashboard

from dashboards.queries import Query

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, ORANGE, RED, GREY = "green", "orange", "red", "text"
#: What a condition or a target is.
YES_OR_NO = {"1": ("yes", GREEN), "0": ("no", RED)}
#: What is there while a bar is.
SO = {"1": ("so", GREEN)}

Builder: TypeAlias = stat.Panel | statetimeline.Panel | timeseries.Panel


@dataclass(frozen=True)
class Panel:
    """What one panel shows; its width and height are of a grid of 24 columns.

    *limits* are the values from which on it turns orange, then red. *words* say a value in a word and a colour.
    """

    title: str
    says: str
    queries: Sequence[Query]
    unit: str = "short"
    width: int = 8
    height: int = 8
    limits: tuple[float, ...] = ()
    words: dict[str, tuple[str, str]] = field(default_factory=dict)
    silent: str = "none"
    signed: bool = False

    def built(self, number: int) -> Builder:
        """Build it."""
        made = self._plain()
        made.id(number).title(self.title).description(self.says).datasource(SOURCE)
        made.unit(self.unit).span(self.width).height(self.height).no_value(self.silent)
        made.targets([self._target(each, chr(ord("A") + index)) for index, each in enumerate(self.queries)])
        if self.words:
            made.mappings([_mapping(self.words)])
        return made

    def _target(self, query: Query, letter: str) -> prometheus.Dataquery:
        """Ask Prometheus over the time that is shown."""
        made = prometheus.Dataquery().ref_id(letter).expr(query.expr).datasource(SOURCE).range()
        return made.legend_format(query.legend or "__auto")

    def _plain(self) -> Builder:
        """Begin as a line for each series."""
        made = timeseries.Panel().line_width(1).fill_opacity(8).show_points(common.VisibilityMode.NEVER)
        made = made.legend(_legend("lastNotNull", "max")).tooltip(_tooltip())
        if not self.signed:
            made = made.min(0)
        if self.limits:
            style = shared.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
            made = made.thresholds(_thresholds(self.limits)).thresholds_style(style)
        return made


@dataclass(frozen=True)
class Figure(Panel):
    """One value, large, which is read from afar; or the *name* of the series in its place."""

    width: int = 3
    height: int = 4
    name: bool = False

    def _target(self, query: Query, letter: str) -> prometheus.Dataquery:
        """Ask how it is now: what ended within the time that is shown would stand there as if it went on."""
        return super()._target(query, letter).instant()

    def _plain(self) -> Builder:
        """Begin as a coloured tile."""
        reduced = shared.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False)
        made = stat.Panel().reduce_options(reduced).color_mode(common.BigValueColorMode.BACKGROUND)
        made = made.text_mode(common.BigValueTextMode.NAME if self.name else common.BigValueTextMode.VALUE)
        return made.graph_mode(common.BigValueGraphMode.NONE).thresholds(_thresholds(self.limits))


@dataclass(frozen=True)
class Timeline(Panel):
    """A bar for each series, as long as it has the value."""

    def _plain(self) -> Builder:
        """Begin as bars without text."""
        made = (
            statetimeline.Panel()
            .show_value(common.VisibilityMode.NEVER)
            .row_height(0.8)
            .merge_values(merge_values=True)
        )
        return made.legend(shared.VizLegendOptions().show_legend(show_legend=False)).tooltip(_tooltip())


@dataclass(frozen=True)
class Bars(Panel):
    """Events: how many came within each step of the drawing."""

    def _plain(self) -> Builder:
        """Begin as bars that stand on one another."""
        made = timeseries.Panel().draw_style(common.GraphDrawStyle.BARS).fill_opacity(80).line_width(0).min(0)
        stacked = shared.StackingConfig().mode(common.StackingMode.NORMAL)
        return made.stacking(stacked).legend(_legend("sum")).tooltip(_tooltip())


def _thresholds(limits: Sequence[float]) -> build.ThresholdsConfig:
    """Green below the first limit; one limit is the red one."""
    colours = (RED,) if len(limits) == 1 else (ORANGE, RED)
    steps = [dashboard.Threshold(value=None, color=GREEN)]
    steps += [dashboard.Threshold(value=limit, color=colour) for limit, colour in zip(limits, colours, strict=False)]
    return build.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)


def _mapping(words: dict[str, tuple[str, str]]) -> dashboard.ValueMap:
    """Say values in words."""
    results = {
        value: dashboard.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(words.items())
    }
    return dashboard.ValueMap(options=results)


def _legend(*figures: str) -> shared.VizLegendOptions:
    """List the series below, with some figures of each."""
    made = shared.VizLegendOptions().show_legend(show_legend=True).placement(common.LegendPlacement.BOTTOM)
    return made.display_mode(common.LegendDisplayMode.TABLE).calcs(list(figures))


def _tooltip() -> shared.VizTooltipOptions:
    """Tell all series at the pointer, the largest first."""
    return shared.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
