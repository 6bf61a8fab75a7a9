"""GPU memory: what is used of the device that this process computes on, asked of the CUDA driver at each scrape.

NVML knows all devices of a machine and would have to be told which one is meant; the driver counts as XGBoost does, by
CUDA_VISIBLE_DEVICES, and answers for a part of a device (MIG) too. Its library is there wherever a booster uses cuda.
"""

import ctypes
import logging
import math
from typing import Any

from twinpin.step.telemetry import GPU_MEMORY

log = logging.getLogger(__name__)

LIBRARY = "libcuda.so.1"


def show_memory() -> None:
    """Let each scrape ask the driver, in the context that XGBoost made; a driver that does not say leaves no figure."""
    try:
        memory = GpuMemory(ctypes.CDLL(LIBRARY))
    except OSError as error:
        log.warning("the GPU's memory is not shown: %s", error)
        return
    GPU_MEMORY.labels("used").set_function(memory.used)
    GPU_MEMORY.labels("total").set_function(memory.total)


class GpuMemory:
    """Memory of the first device that this process sees, in bytes; raises OSError where the *driver* gives none."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._context = ctypes.c_void_p()
        device = ctypes.c_int()
        self._call("cuInit", ctypes.c_uint(0))
        self._call("cuDeviceGet", ctypes.byref(device), ctypes.c_int(0))
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), device)

    def used(self) -> float:
        """What all processes on the device use; NaN where the driver does not say."""
        free, total = self._read()
        return total - free

    def total(self) -> float:
        """All that it has."""
        return self._read()[1]

    def _read(self) -> tuple[float, float]:
        """Ask what is free and what there is, and leave the thread as it was."""
        free, total, before = ctypes.c_size_t(), ctypes.c_size_t(), ctypes.c_void_p()
        try:
            self._call("cuCtxPushCurrent_v2", self._context)
            try:
                self._call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
            finally:
                self._call("cuCtxPopCurrent_v2", ctypes.byref(before))
        except OSError:
            return math.nan, math.nan
        return free.value, total.value

    def _call(self, name: str, *arguments: Any) -> None:
        """Call the driver; each of its functions returns 0 where it did what it was asked."""
        if code := getattr(self._driver, name)(*arguments):
            raise OSError(f"{name} of {LIBRARY} gave {code}")
