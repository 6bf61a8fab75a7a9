"""Where a booster runs: cpu, or cuda where both the wheel and the machine have it."""

import json
import logging
import warnings
from typing import Literal

from twinpin.predict.sdk import xgboost
from twinpin.step.errors import CannotStart

log = logging.getLogger(__name__)

Device = Literal["cpu", "cuda"]


def place(booster: xgboost.Booster, wanted: Literal["auto", "cpu", "cuda"]) -> Device:
    """Put the *booster* where it is wanted and say where that is; CannotStart when cuda is wanted and not there."""
    if wanted == "cpu":
        return _settle(booster, "cpu", "as set")
    if not xgboost.build_info().get("USE_CUDA", False):
        return _without(booster, wanted, "this XGBoost wheel is built without CUDA: install twinpin[predict-gpu]")
    if not _takes_cuda(booster):
        return _without(booster, wanted, "no GPU is visible here: give the pod one, and check its driver")
    return _settle(booster, "cuda", "a GPU is there")


def _takes_cuda(booster: xgboost.Booster) -> bool:
    """Ask for cuda and read back what XGBoost made of it: without a GPU it warns and stays on the CPU."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        booster.set_param({"device": "cuda"})
        generic = json.loads(booster.save_config())["learner"]["generic_param"]
    return str(generic["device"]).startswith("cuda")


def _without(booster: xgboost.Booster, wanted: str, reason: str) -> Device:
    """Fall back to the CPU where that is allowed."""
    if wanted == "cuda":
        raise CannotStart(f"The device cuda is set, but {reason}; or set TWINPIN_DEVICE=auto to use the CPU.")
    return _settle(booster, "cpu", reason)


def _settle(booster: xgboost.Booster, device: Device, reason: str) -> Device:
    """Set the device and write the one line that says so."""
    booster.set_param({"device": device})
    log.info("the booster runs on %s (%s)", device, reason)
    return device
