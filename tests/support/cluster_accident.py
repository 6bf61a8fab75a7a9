"""An accident as whoever is woken by it meets it: the alert and the panel that docs/operations.md names for a test."""

import functools

from cluster_waits import until
from night_page import NONE

#: Seconds until what the test before did is on no panel any more, and those of them in which nothing may be shown.
SETTLED, BEFORE = 3, 1
#: Seconds that an alert takes: how long it must be so, a scrape and two evaluations, on a busy machine.
SOON = 60


class Accident:
    """One test's; it begins when nothing of it is told yet."""

    def __init__(self, watch, told):
        self._watch, self._told = watch, told
        if told.alert != NONE:
            self.await_over()
        self._begin = watch.now() + SETTLED
        until("the beginning", lambda: watch.now() > self._begin, 2 * SETTLED)

    def await_alert(self, seconds=SOON, **labels):
        """Wait until the alert has fired, by these labels."""

        def look():
            found = [each.labels for each in self._watch.firing(self._told.alert, self._begin)]
            return any(labels.items() <= each.items() for each in found), found

        until(f"the alert {self._told.alert} {labels}", look, seconds)

    def await_panel(self, tells, **labels):
        """Wait until the panel has shown a value that *tells*, in a series with these labels; it did not before."""

        def look():
            found = [each for each in self._panel() if labels.items() <= each.labels.items()]
            return any(tells(value) for each in found for _, value in each.values), found

        found = until(f"{labels} in the panel {self._told.panel}", look, SOON)
        before = [value for each in found for time, value in each.values if time < self._begin]
        assert not any(map(tells, before)), found

    def await_silence(self):
        """Wait until the panel shows nothing any more; it did before."""
        shown = self._panel()
        assert shown, self._told.panel
        now = functools.partial(self._watch.panel, self._told.panel)
        until(f"silence of the panel {self._told.panel}", lambda: self._silent(now(self._watch.now())), SOON)

    def await_over(self, seconds=SOON):
        """Wait until the alert fires no more."""
        until(f"the end of {self._told.alert}", lambda: self._silent(self._watch.firing(self._told.alert)), seconds)

    def await_past(self, seconds):
        """Wait until the panel has shown for so long how things are while nothing is wrong."""

        def look():
            times = [time for each in self._panel() for time, _ in each.values if time >= self._begin]
            shown = max(times, default=0) - min(times, default=0)
            return shown >= seconds, shown

        until(f"{seconds} s of the panel {self._told.panel}", look, seconds + SOON)

    def _panel(self):
        """Ask what the panel shows, from a little before the accident on."""
        return self._watch.panel(self._told.panel, self._begin - BEFORE)

    @staticmethod
    def _silent(found):
        """Whether nothing was found; and what was."""
        return not found, found
