"""The pair of a release: which two registered models and which alias are its own, as its ConfigMap says."""

from typing import Any

import click
from click.core import ParameterSource

from twinpin.pair.settings import Settings as PairSettings
from twinpin.rollout.asking import REFUSED, fail
from twinpin.rollout.kube_api import KubeApi
from twinpin.rollout.settings import Settings
from twinpin.settings import PREFIX

#: What names the pair; the registry may have another address from here.
NAMES = ("preprocessor_name", "model_name", "alias")


async def pair_of_release(api: KubeApi, settings: Settings, registry: dict[str, Any]) -> PairSettings:
    """Take from the release which pair is its own; Refused where a flag says another, which would go live there."""
    found = await api.get("v1", "ConfigMap", f"{settings.release}-pair")
    data, context = (found or {}).get("data", {}), click.get_current_context()
    for field in NAMES:
        own = data.get(f"{PREFIX}{field.upper()}", registry[field])
        given = context.get_parameter_source(field) is not ParameterSource.DEFAULT
        if given and registry[field] != own:
            word = field.replace("_", "-")
            told = f"{word} {own}, not {registry[field]}: leave --{word} out"
            fail(f"Release {settings.release} serves the pair of {told}.", REFUSED)
        registry = {**registry, field: own}
    return PairSettings(**registry)
