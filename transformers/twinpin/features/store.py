"""FeastStore: features from any online store that Feast supports.

One Feast query per request, for all entities. Redis and DynamoDB are read on the event loop; other stores, on-demand
views (Feast computes them in pandas) and answers large enough to hold up the loop are read in worker threads. Values
are taken from the response message by name: Feast orders them by hash, differently in each process.
"""

import asyncio
import concurrent.futures
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from twinpin.features import connections
from twinpin.features.agreement import Agreement
from twinpin.features.entities import Entity
from twinpin.features.redis_rows import RedisRows
from twinpin.features.repository import open_repository
from twinpin.features.rows import Rows
from twinpin.features.sdk import FeastError, FeatureStore
from twinpin.features.service import Service, read_service
from twinpin.features.settings import Settings
from twinpin.features.values import Feature
from twinpin.features.window import SECOND
from twinpin.step import tracing
from twinpin.step.errors import CannotStart, DeadlineExceeded, Unavailable
from twinpin.step.outages import Outages
from twinpin.step.telemetry import FEATURE_READ_SECONDS

R = TypeVar("R")

log = logging.getLogger("twinpin.features")

#: What the log calls the store.
STORE = "the feature store"

#: Above so many values (a window is one) reading would hold up the event loop for more than some milliseconds.
LOOP_VALUES = 300
#: The same where no object is made of a value.
PARSED_ON_LOOP = 20_000

#: Worker threads; SQLite has one connection, which serves one query at a time.
THREADS = 8

#: Seconds for the first read: Feast imports what it needs only then.
FIRST_READ = 30.0

#: Seconds after which a caller may find the store up again.
RETRY_AFTER = 1.0


class FeastStore:
    """One FeatureService of a Feast repository, opened and read once, so that no request pays for a first time.

    The registry is read at start and never again: see `twinpin.features.service`.
    """

    def __init__(self, feast: FeatureStore, service: Service, *, timeout: float) -> None:
        self.service = service
        self._feast = feast
        self._timeout = timeout
        online = self._online = feast.config.online_store.type
        asynchronous = connections.online_store(feast).async_supported.read
        self._threaded = not asynchronous or bool(service.sources) or bool(service.request_fields)
        self._threads = concurrent.futures.ThreadPoolExecutor(
            1 if online == "sqlite" else THREADS, thread_name_prefix="twinpin-features"
        )
        self._outages = Outages(log)
        self._opening = asyncio.Lock()
        self._opened = False
        self._closed = False
        self._readers = [(feature, feature.reader()) for feature in service.features]
        self._direct = RedisRows.make(feast, service, timeout)
        self._agreement = Agreement(service.features)

    @classmethod
    def open(cls, settings: Settings) -> "FeastStore":
        """Open the repository and read one row; raises `CannotStart`, or `Unavailable` where the store is down."""
        folder, document = _repository(settings.feature_repo)
        if settings.feature_service is None:
            raise CannotStart("Set feature_service to the name of the Feast FeatureService to serve.")
        try:
            feast = open_repository(folder, document)
            feast.config.registry.cache_ttl_seconds = 0  # Never: a refresh would stop the request that runs into it.
            connections.bound(feast, settings.store_timeout)
            connections.know_versions(feast)
            service = read_service(feast.registry, feast.project, settings.feature_service, settings.entity_key)
        except FeastError as error:
            raise CannotStart(f"The Feast repository {folder} cannot be served: {error}") from error
        except Exception as error:
            if connections.is_outage(error):
                Outages(log).failed(STORE, error)
                raise _down() from error
            raise
        store = cls(feast, service, timeout=settings.store_timeout)
        store._warm()
        return store

    async def read(
        self, entities: Sequence[Entity], fields: Mapping[str, Sequence[Any]], deadline: float | None = None
    ) -> Rows:
        """Read the newest row of each entity, in one query."""
        started = time.monotonic()
        if self._direct is not None:
            work = self._bounded(self._directly(self._direct, entities), deadline)
        else:
            work = self._by_feast(entities, fields, deadline)
        try:
            if tracing.recording() is None:
                return await work
            told = {tracing.ROWS: len(entities), "db.system.name": self._online}
            return await tracing.recorded(work, "read features", told, client=True)
        finally:
            FEATURE_READ_SECONDS.observe(time.monotonic() - started)

    async def _by_feast(
        self, entities: Sequence[Entity], fields: Mapping[str, Sequence[Any]], deadline: float | None = None
    ) -> Rows:
        """Read through Feast."""
        query, rows = self.service.query, {self.service.key.name: list(entities), **fields}
        if self._threaded or len(entities) * len(self._readers) > LOOP_VALUES:
            return await self._bounded(self._in_thread(lambda: self._parse(self._query(query, rows))), deadline)
        return self._parse(await self._bounded(self._on_loop(query, rows), deadline))

    async def _directly(self, direct: RedisRows, entities: Sequence[Entity]) -> Rows:
        """Read without Feast, and beside it until both were seen to say the same."""
        await self._open()
        replies = await direct.fetch(entities)
        if len(entities) * len(self._readers) > PARSED_ON_LOOP:
            rows = await self._in_thread(lambda: direct.parse(replies, entities))
        else:
            rows = direct.parse(replies, entities)
        if self._agreement.reached:
            return rows
        theirs = await self._by_feast(entities, {})
        if not self._agreement.holds(rows, theirs) and not self._agreement.holds(
            direct.parse(await direct.fetch(entities), entities), theirs
        ):
            log.warning("Redis is read through Feast from now on: read directly, its rows were not what Feast says.")
            self._direct = None
            await direct.close()
        return theirs

    async def check(self) -> None:
        """Read one row of an entity that need not exist."""
        query, rows = self.service.probe, {self.service.key.name: [self.service.key.placeholder]}
        if self._threaded:
            await self._bounded(self._in_thread(lambda: self._query(query, rows)))
        else:
            await self._bounded(self._on_loop(query, rows))

    async def close(self) -> None:
        """Close the clients, the one of the event loop too: call it on the loop that read."""
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(self._timeout):
                await asyncio.get_running_loop().run_in_executor(self._threads, connections.close_blocking, self._feast)
        except TimeoutError:
            log.warning("A read still hangs in the feature store while it closes.")
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._direct is not None:
            await self._direct.close()
        await connections.close_async(self._feast)

    async def _bounded(self, reading: Coroutine[Any, Any, R], deadline: float | None = None) -> R:
        """Wait for a read, no longer than it may take, and name what went wrong."""
        seconds = self._timeout if deadline is None else min(self._timeout, deadline - time.monotonic())
        try:
            async with asyncio.timeout(seconds):
                answer = await reading
        except Exception as error:
            if isinstance(error, TimeoutError) and seconds < self._timeout:
                raise DeadlineExceeded("The time allowed for this request is over: allow it more.") from error
            if connections.is_outage(error):
                self._outages.failed(STORE, error)
                raise _down() from error
            raise
        self._outages.answered(STORE)
        return answer

    async def _in_thread(self, work: Callable[[], R]) -> R:
        """Do blocking work in a worker thread; a read that hangs there is left to its own time limit."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _on_loop(self, query: Any, rows: Mapping[str, list[Any]]) -> Any:
        """Send one query from the event loop."""
        await self._open()
        return (await self._feast.get_online_features_async(query, rows, full_feature_names=True)).proto

    def _query(self, query: Any, rows: Mapping[str, list[Any]]) -> Any:
        """Send one query from a worker thread."""
        return self._feast.get_online_features(query, rows, full_feature_names=True).proto

    async def _open(self) -> None:
        """Make the loop's client once, however many requests come first."""
        if not self._opened:
            async with self._opening:
                if not self._opened:
                    await connections.open_async(self._feast)
                    self._opened = True

    def _warm(self) -> None:
        """Read one row the blocking way: the loop that will serve does not run yet."""
        probe = {self.service.key.name: [self.service.key.placeholder]}
        try:
            connections.open_blocking(self._feast)
            self._threads.submit(self._query, self.service.probe, probe).result(FIRST_READ)
        except Exception as error:
            self._threads.shutdown(wait=False, cancel_futures=True)
            if connections.is_outage(error):
                self._outages.failed(STORE, error)
                raise _down() from error
            raise

    def _parse(self, response: Any) -> Rows:
        """Take times and values out of Feast's response, by name."""
        columns = dict(zip(response.metadata.feature_names.val, response.results, strict=True))
        times = {view: _times(columns[column]) for view, column in self.service.columns.items()}
        for view, sources in self.service.sources.items():
            times[view] = [min(each) for each in zip(*(times[source] for source in sources), strict=True)]
        return Rows(times, {feature.name: _values(columns, feature, read) for feature, read in self._readers})


def _values(columns: Mapping[str, Any], feature: Feature, read: Any) -> list[Any]:
    """Read one column of the response."""
    return [read(value) for value in columns[feature.column].values]


def _times(column: Any) -> list[int]:
    """Read a column's event times in microseconds; 0 where there is no row, whatever Feast's status says."""
    return [each.seconds * SECOND + each.nanos // 1000 for each in column.event_timestamps]


def _repository(place: Path | None) -> tuple[Path, Path]:
    """Find the folder of the repository and its feature_store.yaml; relative paths in it start at the folder."""
    if place is None:
        raise CannotStart("Set feature_repo to the folder of the Feast repository, or to its feature_store.yaml.")
    document = place / "feature_store.yaml" if place.is_dir() else place
    if not document.is_file():
        raise CannotStart(
            f"There is no Feast repository at {place}: feature_repo names a folder with feature_store.yaml."
        )
    return document.parent.resolve(), document.resolve()


def _down() -> Unavailable:
    """Make the one error that a client sees of a store in trouble; the log has the cause."""
    return Unavailable("The feature store cannot be read now; try again.", retry_after=RETRY_AFTER)
