"""The CustomResourceDefinition says what the models say."""

from pathlib import Path

import twinpin.rollout
from twinpin.rollout.crd import definition, text
from twinpin.rollout.resource import Spec, Status


def test_the_file_is_what_the_models_make():
    """Run `python -m twinpin.rollout.crd > src/twinpin/rollout/pairedgraph.crd.yaml` after a change of the models."""
    file = Path(twinpin.rollout.__file__).with_name("pairedgraph.crd.yaml")

    assert file.read_text(encoding="utf-8") == text()


def test_every_field_of_the_models_is_kept_by_the_api_server():
    """What a schema does not name, it drops."""
    properties = definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]

    for model in (Spec, Status):
        names = {field.alias for field in model.model_fields.values()}
        assert set(properties[model.__name__.lower()]["properties"]) == names
