"""Stores: where the settings say that Pins are kept. Nothing else chooses."""

from twinpin.pair.api_server import ApiServer
from twinpin.pair.configmap_pins import ConfigMapPins
from twinpin.pair.pins import FilePins, Pins
from twinpin.pair.settings import Settings


def open_pins(settings: Settings) -> Pins:
    """Open the Pins of these settings; without a place of their own they lie in the pair's folder."""
    if settings.pins_configmap:
        return ConfigMapPins(ApiServer(settings.namespace), settings.pins_configmap)
    return FilePins(settings.pins_dir or settings.pair_dir / "pins")
