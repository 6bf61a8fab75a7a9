"""The GPU's memory as the CUDA driver tells it: a real one where there is one, else one that is only the calls."""

import ctypes
import logging
import math

import pytest
from metric_samples import sample

from twinpin.predict import gpu_memory
from twinpin.predict.gpu_memory import GpuMemory, show_memory


class Driver:
    """What is called of libcuda, on a device of 16 bytes; names in *broken* fail."""

    def __init__(self):
        self.free = 6
        self.broken = set()
        self.stack = []

    def _done(self, name):
        return 100 if name in self.broken else 0

    def cuInit(self, flags):  # noqa: N802 -- the driver's names
        """Begin."""
        return self._done("cuInit")

    def cuDeviceGet(self, device, ordinal):  # noqa: N802
        """Find a device."""
        device._obj.value = 7
        return self._done("cuDeviceGet")

    def cuDevicePrimaryCtxRetain(self, context, device):  # noqa: N802
        """Hold the context that the runtime uses."""
        context._obj.value = 1000 + device.value
        return self._done("cuDevicePrimaryCtxRetain")

    def cuCtxPushCurrent_v2(self, context):  # noqa: N802
        """Work in a context."""
        self.stack.append(context.value)
        return self._done("cuCtxPushCurrent_v2")

    def cuMemGetInfo_v2(self, free, total):  # noqa: N802
        """Tell."""
        assert self.stack == [1007]
        free._obj.value, total._obj.value = self.free, 16
        return self._done("cuMemGetInfo_v2")

    def cuCtxPopCurrent_v2(self, context):  # noqa: N802
        """Work in the context before."""
        context._obj.value = self.stack.pop()
        return 0


def test_each_look_asks_anew_and_leaves_the_thread_without_a_context():
    """A scrape runs on the event loop's thread, which computes on the GPU too."""
    driver = Driver()
    memory = GpuMemory(driver)
    assert (memory.used(), memory.total()) == (10, 16)

    driver.free = 2

    assert memory.used() == 14
    assert driver.stack == []


def test_a_driver_that_fails_later_leaves_the_other_metrics_alone():
    """The device may be lost while the process lives."""
    driver = Driver()
    memory = GpuMemory(driver)

    driver.broken = {"cuMemGetInfo_v2"}

    assert math.isnan(memory.used())
    assert math.isnan(memory.total())
    assert driver.stack == []


@pytest.mark.parametrize("name", ["cuInit", "cuDeviceGet", "cuDevicePrimaryCtxRetain"])
def test_a_driver_that_cannot_begin_says_which_call_failed(name):
    """With CUDA's own code."""
    driver = Driver()
    driver.broken = {name}

    with pytest.raises(OSError, match=f"{name} of libcuda.so.1 gave 100"):
        GpuMemory(driver)


def test_without_a_driver_nothing_is_shown(monkeypatch, caplog):
    """The log has the reason."""
    monkeypatch.setattr(gpu_memory, "LIBRARY", "libcuda-of-nobody.so.1")

    with caplog.at_level(logging.WARNING):
        show_memory()

    assert "libcuda-of-nobody.so.1" in caplog.text


def test_a_real_gpu_tells_its_memory():
    """More than nothing and less than all is used by a process that computes on it."""
    try:
        ctypes.CDLL(gpu_memory.LIBRARY)
        GpuMemory(ctypes.CDLL(gpu_memory.LIBRARY))
    except OSError as error:
        pytest.skip(f"no GPU is here: {error}")

    show_memory()

    used, total = (sample("twinpin_gpu_memory_bytes", state=state) for state in ("used", "total"))
    assert 0 < used < total
