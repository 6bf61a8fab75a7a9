"""Reading a signature without MLflow gives what MLflow wrote."""

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import AnyType, Array, Object, Property
from pairs import write_tree

from twinpin.pair.errors import BadArtifact
from twinpin.pair.signature import Signature, Spec, parse_signature, read_signature


def test_columns_arrays_and_a_matrix_are_told_apart():
    """A window column is an array of its item type; a numpy output is one tensor."""
    frame = pd.DataFrame({"load": [1.0], "place": ["EWR"], "temp": [[1.0, 2.0]]})
    declared = infer_signature(frame, np.zeros((1, 3), np.float32)).to_dict()

    assert parse_signature({"signature": declared}) == Signature(
        inputs=(Spec("load", "double"), Spec("place", "string"), Spec("temp", "double", array=True)),
        outputs=(Spec(None, "float32", (-1, 3)),),
    )


def test_an_optional_column_is_not_required():
    """What may be missing must not be asked for."""
    declared = ModelSignature(Schema([ColSpec(DataType.double, "gust", required=False)])).to_dict()

    assert parse_signature({"signature": declared}).inputs == (Spec("gust", "double", required=False),)
    assert parse_signature({"signature": declared}).outputs is None


def test_rows_that_are_objects_are_columns():
    """A PythonModel with type hints declares the fields of its rows, and nothing of what it returns."""
    row = Object([Property("price", DataType.double), Property("promo", DataType.long, required=False)])
    declared = ModelSignature(Schema([ColSpec(row)]), Schema([ColSpec(AnyType())])).to_dict()

    assert parse_signature({"signature": declared}) == Signature(
        inputs=(Spec("price", "double"), Spec("promo", "long", required=False)),
        outputs=(Spec(None, "any"),),
    )
    assert parse_signature({"signature": declared}).outputs[0].open


def test_a_model_without_a_signature_has_none(tmp_path):
    """Declaring nothing is allowed."""
    assert read_signature(write_tree(tmp_path / "tree", "x", None)) is None


@pytest.mark.parametrize(
    "text",
    [None, "[1, 2]", "a: [", "signature: {inputs: not json}", "signature: {inputs: '[{}]'}", "signature: text"],
)
def test_an_mlmodel_that_cannot_be_read_is_a_bad_artifact(tmp_path, text):
    """Whatever is broken, the message names the file and what to do."""
    if text is not None:
        (tmp_path / "MLmodel").write_text(text)

    with pytest.raises(BadArtifact, match="log"):
        read_signature(tmp_path)


columns = st.builds(
    ColSpec,
    type=st.sampled_from([*DataType]) | st.sampled_from([*DataType]).map(Array),
    name=st.text(min_size=1),
    required=st.booleans(),
)
tensors = st.builds(
    TensorSpec,
    type=st.sampled_from(["float32", "float64", "int64", "bool"]).map(np.dtype),
    shape=st.lists(st.integers(1, 9), max_size=3).map(lambda rest: (-1, *rest)),
    name=st.text(min_size=1),
)
schemas = st.lists(columns, min_size=1, max_size=5, unique_by=lambda each: each.name) | st.lists(
    tensors, min_size=1, max_size=5, unique_by=lambda each: each.name
)


@given(schemas)
def test_every_schema_that_mlflow_writes_is_read_the_same(specs):
    """Names, types, shapes and what may be missing survive MLmodel's JSON inside YAML."""
    declared = ModelSignature(Schema(specs)).to_dict()
    read = parse_signature(yaml.safe_load(yaml.safe_dump({"signature": declared}))).inputs

    assert [each.name for each in read] == [each.name for each in specs]
    for spec, theirs in zip(read, specs, strict=True):
        if isinstance(theirs, TensorSpec):
            assert (spec.dtype, spec.shape, spec.array) == (theirs.type.name, theirs.shape, False)
        else:
            inner = theirs.type.dtype if isinstance(theirs.type, Array) else theirs.type
            assert (spec.dtype, spec.shape) == (inner.name, None)
            assert (spec.array, spec.required) == (isinstance(theirs.type, Array), theirs.required)
