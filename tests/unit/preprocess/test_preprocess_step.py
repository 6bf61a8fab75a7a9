"""Any MLflow model that turns rows into numbers is a preprocessor, and its answers carry the pair."""

import asyncio
import logging
import subprocess
import sys

import mlflow.pyfunc
import numpy as np
import pair_folders
import pandas as pd
import pydantic
import pytest
import yaml
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, SplineTransformer, StandardScaler

from twinpin import preprocess
from twinpin.preprocess.pyfunc import Preprocessor
from twinpin.preprocess.result import check_gaps, to_matrix
from twinpin.preprocess.step import layout_of
from twinpin.step.errors import Broken, CannotStart, Impossible
from twinpin.step.step import Context

ROWS = pair_folders.lag_rows(6, seed=4)


def windows(frame):
    """The windows, oldest value first, that lag columns were made of."""
    made = {name: frame[pair_folders.lag_names([name])].to_numpy()[:, ::-1] for name in pair_folders.SERIES}
    return {**made, "hour": frame["hour"].to_numpy()}


def by_name(frame):
    """Each column as a tensor."""
    return {str(name): frame[name].to_numpy() for name in frame.columns}


def matrix_of(step, tensors):
    """The one tensor that the step answers."""
    (name,) = (answer := step.run(tensors, Context())).tensors
    assert name == "matrix"
    return answer.tensors["matrix"]


@pytest.fixture(scope="module")
def lag_folder(tmp_path_factory):
    """A pair whose preprocessor imputes, scales and encodes lag columns."""
    return pair_folders.lag_pair(tmp_path_factory.mktemp("lags"))


@pytest.fixture(scope="module")
def lag_step(lag_folder):
    """Its step, on the proven path."""
    return preprocess.load(lag_folder, preprocess.Settings())


@pytest.fixture(scope="module")
def pyfunc_step(lag_folder):
    """The same on scikit-learn itself."""
    return preprocess.load(lag_folder, preprocess.Settings(preprocess_fast_path=False))


def loaded(folder, **settings):
    """The step of a folder whose preprocessor/ was just saved."""
    return preprocess.load(pair_folders.preprocessor_folder(folder), preprocess.Settings(**settings))


def test_both_paths_give_what_scikit_learn_gives(lag_step, pyfunc_step):
    """Windows, columns and the whole matrix make the same rows, on the plan and on the pipeline."""
    expected = pair_folders.lag_pipeline().fit(pair_folders.lag_rows()).transform(ROWS)

    assert (lag_step.fast, pyfunc_step.fast) == (True, False)
    for step in (lag_step, pyfunc_step):
        for tensors in (windows(ROWS), by_name(ROWS), {"rows": ROWS.to_numpy()}):
            np.testing.assert_allclose(matrix_of(step, tensors), expected, rtol=1e-12, atol=1e-12)


def test_every_answer_carries_the_stamp(lag_step):
    """The pair and both versions go on to the next step."""
    answer = lag_step.run(windows(ROWS), Context(parameters={"pair": "p1-m1-000000"}))

    assert answer.parameters == {"pair": "p7-m12-3fa9c1", "preprocessor_version": "7", "model_version": "12"}
    assert lag_step.versions == ("7", "p7-m12-3fa9c1")
    assert (lag_step.name, lag_step.platform) == ("preprocess", "mlflow_pyfunc")


def test_metadata_tells_the_width(lag_step):
    """A client sees the columns that go in, and how wide the matrix is."""
    assert [spec.name for spec in lag_step.inputs] == list(ROWS.columns)
    assert [(spec.name, spec.datatype, spec.shape) for spec in lag_step.outputs] == [("matrix", "FP64", (-1, 32))]


def test_a_step_is_always_ready_and_closes(lag_step):
    """It is warm before it exists and holds nothing."""
    asyncio.run(lag_step.check())
    asyncio.run(lag_step.close())


class Ratio(mlflow.pyfunc.PythonModel):
    """Divides one column by another."""

    def predict(self, context, model_input: pd.DataFrame, params=None):
        """Answer one column."""
        return (model_input["price"] / model_input["stock"]).to_numpy()[:, None]


@pytest.mark.parametrize(
    "tensors",
    [{"price": np.ones(2)}, {"price": np.ones(2), "stock": np.array(["a", "b"], object)}],
    ids=["a column is lacking", "text for numbers"],
)
def test_columns_that_nobody_declared_are_the_clients_matter(tmp_path, tensors):
    """Without a signature only the preprocessor itself can say what it cannot work with."""
    pair_folders.save_python_model(Ratio(), tmp_path / "preprocessor", None)
    step = preprocess.load(pair_folders.preprocessor_folder(tmp_path), preprocess.Settings())

    with pytest.raises(Impossible, match="declares none"):
        step.run(tensors, Context())


@pytest.mark.parametrize(
    ("declared", "left", "words"),
    [(True, Impossible, "leaves out stock"), (False, KeyError, "stock")],
    ids=["declared as optional", "not declared at all"],
)
def test_a_column_that_the_signature_hides_is_a_defect_of_the_pair(tmp_path, declared, left, words):
    """A preprocessor that looks for a column which its signature calls optional, or does not name, finds none."""
    columns = [ColSpec(DataType.double, "price"), ColSpec(DataType.double, "stock", required=False)]
    signature = ModelSignature(Schema(columns[: 1 + declared]))
    pair_folders.save_python_model(Ratio(), tmp_path / "preprocessor", signature)
    preprocessor = Preprocessor(pair_folders.preprocessor_folder(tmp_path) / "preprocessor")

    with pytest.raises(left, match=words):
        preprocessor(layout_of(preprocessor.columns()).take({"price": np.ones(2)}))


def relabelled(tree, python):
    """Make an artifact say that another Python logged it."""
    document = yaml.safe_load((tree / "MLmodel").read_text())
    document["flavors"]["python_function"]["python_version"] = python
    (tree / "MLmodel").write_text(yaml.safe_dump(document))
    (tree / "python_env.yaml").write_text(f"python: {python}\n")
    return tree


def test_bytecode_of_another_python_is_refused(tmp_path):
    """It would crash the process: a lambda is pickled as the bytecode that the logging Python made of it."""
    doubled = FunctionTransformer(lambda matrix: matrix * 2).fit(np.ones((1, 1)))
    pair_folders.save_sklearn(doubled, tmp_path / "preprocessor", None)
    relabelled(tmp_path / "preprocessor", "3.9.18")

    with pytest.raises(CannotStart, match=r"compiled code of Python 3\.9\.18.*serve it with Python 3\.9"):
        preprocess.load(pair_folders.preprocessor_folder(tmp_path), preprocess.Settings())


def test_what_another_python_logged_without_bytecode_is_served(tmp_path):
    """Fitted estimators are data, which every Python reads."""
    scaler = StandardScaler().fit(np.array([[1.0], [3.0]]))
    pair_folders.save_sklearn(scaler, tmp_path / "preprocessor", infer_signature(np.ones((1, 1))))
    relabelled(tmp_path / "preprocessor", "3.9.18")
    step = preprocess.load(pair_folders.preprocessor_folder(tmp_path), preprocess.Settings())

    np.testing.assert_array_equal(matrix_of(step, {"x": np.array([[3.0]])}), [[1.0]])


class Sale(pydantic.BaseModel):
    """One row, as type hints describe it."""

    price: float
    stock: float


class Hinted(mlflow.pyfunc.PythonModel):
    """MLflow's form with type hints, which says nothing of what it returns."""

    def predict(self, model_input: list[Sale]):
        """Answer two columns."""
        return [[row.price, row.stock] for row in model_input]


def test_a_preprocessor_with_type_hints_gets_its_rows(tmp_path):
    """The fields of its rows are its columns, checked as any others."""
    pair_folders.save_python_model(Hinted(), tmp_path / "preprocessor", None)
    step = preprocess.load(pair_folders.preprocessor_folder(tmp_path), preprocess.Settings())
    tensors = {"stock": np.array([3, 4]), "price": np.array([1.5, 2.5])}

    np.testing.assert_array_equal(matrix_of(step, tensors), [[1.5, 3.0], [2.5, 4.0]])
    assert [spec.name for spec in step.inputs] == ["price", "stock"]
    with pytest.raises(Impossible, match="1 of the preprocessor's 2 columns"):
        step.run({"price": np.ones(2)}, Context())


def test_a_left_out_optional_column_is_named_when_the_preprocessor_needs_it(lag_step):
    """MLflow calls a column optional when training data had gaps in it; scikit-learn wants it all the same."""
    tensors = {name: values for name, values in by_name(ROWS).items() if name != "temp_lag_02"}

    with pytest.raises(Impossible, match="leaves out temp_lag_02"):
        lag_step.run(tensors, Context())


def passing(folder, **options):
    """A preprocessor that imputes nothing: it scales a and passes b."""
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]})
    transformer = ColumnTransformer([("s", StandardScaler(), ["a"])], remainder="passthrough").fit(frame)
    out = pd.DataFrame(transformer.transform(frame), columns=transformer.get_feature_names_out())
    pair_folders.save_sklearn(transformer, folder / "preprocessor", infer_signature(frame, out), **options)


@pytest.mark.parametrize("fast", [True, False])
def test_a_gap_that_nobody_fills_is_refused_by_name(tmp_path, fast):
    """The sentence names the column and the first row, unless gaps are allowed to reach the model."""
    passing(tmp_path)
    tensors = {"a": np.array([1.0, 2.0]), "b": np.array([1.0, np.nan])}
    strict, lax = loaded(tmp_path, preprocess_fast_path=fast), loaded(tmp_path, allow_missing=True)

    with pytest.raises(Impossible, match=r"^b is missing \(first in row 1\) and the preprocessor does not impute it"):
        strict.run(tensors, Context())
    np.testing.assert_array_equal(np.isnan(matrix_of(lax, tensors)), [[False, False], [False, True]])


def test_a_gap_that_is_imputed_passes(lag_step):
    """Missing values are the preprocessor's business where it minds it."""
    tensors = windows(ROWS)
    tensors["temp"] = np.full_like(tensors["temp"], np.nan)

    assert np.isfinite(matrix_of(lag_step, tensors)).all()


def test_what_overflows_is_refused(tmp_path):
    """An infinite value never reaches the model, and no warning leaves the step."""
    frame = pd.DataFrame({"a": [0.0, 1e-200]})
    pair_folders.save_sklearn(
        make_pipeline(FunctionTransformer(np.exp)).fit(frame), tmp_path / "preprocessor", infer_signature(frame)
    )

    with pytest.raises(Impossible, match="infinite value of row 0 in column 0"):
        loaded(tmp_path).run({"a": np.array([1e6])}, Context())


def test_an_unknown_category_is_the_clients_to_mend(tmp_path):
    """A strict encoder's refusal is a 422 on both paths, without scikit-learn's words."""
    frame = pd.DataFrame({"hour": [0.0, 1.0, 2.0]})
    pair_folders.save_sklearn(
        OneHotEncoder(sparse_output=False).fit(frame), tmp_path / "preprocessor", infer_signature(frame)
    )
    fast, slow = loaded(tmp_path), loaded(tmp_path, preprocess_fast_path=False)

    assert (fast.fast, slow.fast) == (True, False)
    for step in (fast, slow):
        with pytest.raises(Impossible, match="trained on"):
            step.run({"hour": np.array([7.0])}, Context())


def test_scikit_learn_without_a_pyfunc_is_loaded_as_it_is(tmp_path):
    """MLflow writes no pyfunc for a transformer that was logged plainly."""
    passing(tmp_path, pyfunc_predict_fn="predict")
    assert "loader_module" not in (tmp_path / "preprocessor" / "MLmodel").read_text()

    step = loaded(tmp_path)

    np.testing.assert_allclose(matrix_of(step, {"a": np.array([2.0]), "b": np.array([9.0])}), [[0, 9]])


def test_text_is_encoded_by_the_preprocessor(tmp_path):
    """A sparse encoder of text beside numbers gives a dense matrix."""
    frame = pd.DataFrame({"wind": ["n", "s", "n"], "speed": [1.0, 2.0, 3.0]})
    transformer = ColumnTransformer(
        [("e", OneHotEncoder(handle_unknown="ignore"), ["wind"]), ("s", "passthrough", ["speed"])], sparse_threshold=1.0
    ).fit(frame)
    pair_folders.save_sklearn(transformer, tmp_path / "preprocessor", infer_signature(frame))

    step = loaded(tmp_path)

    assert not step.fast
    tensors = {"wind": np.array(["s", "?"], dtype=object), "speed": np.array([7, 8])}
    np.testing.assert_array_equal(matrix_of(step, tensors), [[0, 1, 7], [0, 0, 8]])


def test_without_a_signature_a_fitted_transformer_names_its_columns(tmp_path):
    """The names that it was fitted with stand in for the signature."""
    frame = pd.DataFrame({"b": [1.0, 2.0, 3.0], "a": [4.0, 5.0, 7.0]})
    pair_folders.save_sklearn(StandardScaler().fit(frame), tmp_path / "preprocessor", None)

    step = loaded(tmp_path)

    expected = StandardScaler().fit(frame).transform(frame[:1])
    np.testing.assert_allclose(matrix_of(step, {"a": np.array([4.0]), "b": np.array([1.0])}), expected)
    with pytest.raises(Impossible, match=r"not in the request: b\."):
        step.run({"a": np.zeros(1)}, Context())


class Doubling(mlflow.pyfunc.PythonModel):
    """Twice the values, whatever they come in."""

    def predict(self, context, model_input: pd.DataFrame, params=None):
        """Double."""
        return model_input * 2


class Scaled(mlflow.pyfunc.PythonModel):
    """A pipeline inside a class of one's own, as many register their preprocessor."""

    def __init__(self, pipeline, limit=None):
        self.pipeline = pipeline
        self.limit = limit

    def predict(self, context, model_input: pd.DataFrame, params=None):
        """Transform, after a clip that no plan knows of."""
        rows = model_input if self.limit is None else model_input.clip(upper=self.limit)
        return self.pipeline.transform(rows)


class Returning(mlflow.pyfunc.PythonModel):
    """Whatever a function makes of the input."""

    def __init__(self, function):
        self.function = function

    def predict(self, context, model_input: pd.DataFrame, params=None):
        """Call it."""
        return self.function(model_input)


def test_a_tensor_signature_goes_in_as_an_array(tmp_path):
    """The only tensor, of any name, reaches the pyfunc in the declared type."""
    example = np.zeros((2, 3), dtype=np.float32)
    pair_folders.save_python_model(Doubling(), tmp_path / "preprocessor", infer_signature(example, example))

    step = loaded(tmp_path)

    doubled = matrix_of(step, {"x": np.array([[1, 2, 3]])})
    assert doubled.dtype == np.float32
    np.testing.assert_array_equal(doubled, [[2, 4, 6]])
    assert [(spec.datatype, spec.shape) for spec in step.outputs] == [("FP32", (-1, 3))]


def test_a_model_without_any_signature_gets_what_came(tmp_path):
    """One matrix as an array, columns as a table."""
    pair_folders.save_python_model(Doubling(), tmp_path / "preprocessor", None)

    step = loaded(tmp_path)

    np.testing.assert_array_equal(matrix_of(step, {"x": np.array([[1.0, 2.0]])}), [[2, 4]])
    np.testing.assert_array_equal(matrix_of(step, {"a": np.array([1.0]), "b": np.array([2.0])}), [[2, 4]])
    assert step.inputs == ()


def test_columns_of_arrays_reach_the_preprocessor(tmp_path):
    """A window per row, the oldest value first."""
    schema = Schema([ColSpec(Array(DataType.double), name="past"), ColSpec(DataType.long, name="hour")])
    function = lambda frame: np.c_[np.stack(frame["past"]).mean(axis=1), frame["hour"]]  # noqa: E731
    pair_folders.save_python_model(
        Returning(function), tmp_path / "preprocessor", mlflow.models.ModelSignature(inputs=schema)
    )

    step = loaded(tmp_path)

    tensors = {"past": np.array([[1.0, 2.0, 6.0], [2.0, 2.0, 2.0]]), "hour": np.array([4, 5])}
    np.testing.assert_array_equal(matrix_of(step, tensors), [[3, 4], [2, 5]])


@pytest.mark.parametrize(("limit", "fast"), [(None, True), (50_000.0, False)])
def test_a_pipeline_in_a_class_of_ones_own_is_fast_where_it_is_proven(tmp_path, caplog, limit, fast):
    """The proof decides, not the name of the class; the log says why not."""
    frame = pair_folders.lag_rows()
    pipeline = pair_folders.lag_pipeline().fit(frame)
    model = Scaled(pipeline, limit)
    pair_folders.save_python_model(model, tmp_path / "preprocessor", infer_signature(frame, pipeline.transform(frame)))

    with caplog.at_level(logging.INFO, logger="twinpin.preprocess"):
        step = loaded(tmp_path)

    assert step.fast is fast
    assert any("no fast path" in line for line in caplog.messages) is not fast
    np.testing.assert_allclose(matrix_of(step, windows(ROWS)), pipeline.transform(ROWS), rtol=1e-12, atol=1e-12)


class Picky(mlflow.pyfunc.PythonModel):
    """One that holds a transformer it does not use, and fails on what it never met."""

    def __init__(self, scaler):
        self.scaler = scaler

    def predict(self, context, model_input: pd.DataFrame, params=None):
        """Fail with an error of its own."""
        return model_input.map(lambda value: {1.0: 10.0, 0.0: 0.0}[value])


@pytest.mark.parametrize("scaler", [StandardScaler(), StandardScaler().fit(np.array([[1.0], [2.0]]))])
def test_what_the_proof_stumbles_over_is_no_reason_not_to_start(tmp_path, caplog, scaler):
    """A preprocessor that fails on drawn rows, or whose transformer was never fitted, serves as it is."""
    frame = pd.DataFrame({"a": [1.0]})
    pair_folders.save_python_model(Picky(scaler), tmp_path / "preprocessor", infer_signature(frame))

    with caplog.at_level(logging.INFO, logger="twinpin.preprocess"):
        step = loaded(tmp_path)

    assert "no fast path" in caplog.text
    np.testing.assert_array_equal(matrix_of(step, {"a": np.array([1.0])}), [[10]])


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda frame: frame.assign(a="x"), "no numbers"),
        (lambda frame: frame.iloc[:0], "for 1 rows"),
        (lambda frame: np.zeros((1, 2, 2)), "shape"),
        (lambda frame: [[1.0], [1.0, 2.0]], "different lengths"),
        (lambda frame: np.array([[1j]]), "complex128"),
    ],
)
def test_a_preprocessor_that_makes_no_matrix_is_a_start_error(tmp_path, function, says):
    """What can never serve is known before the first request."""
    frame = pd.DataFrame({"a": [1.0]})
    pair_folders.save_python_model(Returning(function), tmp_path / "preprocessor", infer_signature(frame))

    with pytest.raises(CannotStart, match=says):
        loaded(tmp_path)


def test_a_defect_of_the_preprocessor_is_not_blamed_on_the_client(tmp_path):
    """A KeyError inside it stays what it is, for the server to log and to answer as broken."""
    frame = pd.DataFrame({"a": [1.0]})

    def fail_later(rows):
        return rows if rows["a"].iloc[0] == 0 else {}["defect"]

    pair_folders.save_python_model(Returning(fail_later), tmp_path / "preprocessor", infer_signature(frame))
    step = loaded(tmp_path)

    with pytest.raises(KeyError, match="defect"):
        step.run({"a": np.array([1.0])}, Context())


def test_an_artifact_without_a_flavour_is_a_start_error(tmp_path):
    """The operator is told how to log it."""
    pair_folders.bare_tree(tmp_path / "preprocessor")

    with pytest.raises(CannotStart, match=r"log it with mlflow\.pyfunc"):
        loaded(tmp_path)


def test_a_module_that_the_image_lacks_is_named(tmp_path):
    """What to add to the image is said at start."""
    passing(tmp_path)
    (tmp_path / "preprocessor" / "model.pkl").write_bytes(b"cabsent_library\nScaler\n.")

    with pytest.raises(CannotStart, match="module absent_library, which is not installed"):
        loaded(tmp_path)


def test_an_artifact_that_is_no_mlflow_model_is_a_start_error(tmp_path):
    """A tree without an MLmodel file is named as such."""
    (tmp_path / "preprocessor").mkdir()

    with pytest.raises(CannotStart, match="no MLmodel file"):
        loaded(tmp_path)


def test_a_folder_without_a_pair_says_how_to_get_one(tmp_path):
    """The operator is told to resolve first."""
    with pytest.raises(CannotStart, match="twinpin resolve"):
        preprocess.load(tmp_path, preprocess.Settings())


def test_a_preprocessor_that_was_tampered_with_is_never_unpickled(tmp_path):
    """The tree must have the digest that the Pin holds."""
    passing(tmp_path)
    pair_folders.preprocessor_folder(tmp_path)
    (tmp_path / "preprocessor" / "model.pkl").write_bytes(b"cos\nsystem\n(S'touch /tmp/owned'\ntR.")

    with pytest.raises(CannotStart, match="not the one that was pinned"):
        preprocess.load(tmp_path, preprocess.Settings())


def test_loading_leaves_the_tree_as_it_was(tmp_path):
    """A second start finds the digest that the Pin holds."""
    passing(tmp_path)

    loaded(tmp_path)
    again = preprocess.load(tmp_path, preprocess.Settings())

    assert again.fast


@pytest.mark.parametrize(
    "result",
    [
        pd.DataFrame({"b": [2.0], "a": [1.0]}),
        {"b": np.array([2.0]), "a": np.array([1.0])},
        {"b": [2.0], "a": [[1.0]]},
        np.array([[1, 2]]),
        np.array([[True, 2]], dtype=object),
        [[1.0, 2.0]],
        sparse.csr_matrix([[1.0, 2.0]]),
    ],
    ids=["frame", "dict", "lists", "whole numbers", "objects", "list", "sparse"],
)
def test_any_result_becomes_the_matrix_in_the_signatures_order(result):
    """Names are put in order where there are any."""
    matrix = to_matrix(result, 1, ("a", "b"))

    assert matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix, [[1, 2]])


@pytest.mark.parametrize("values", [[1.0, 2.0], pd.Series([1.0, 2.0])])
def test_one_value_per_row_is_one_column(values):
    """A flat result stands upright."""
    assert to_matrix(values, 2, None).shape == (2, 1)


def test_a_number_that_the_preprocessor_itself_loses_is_named_by_row():
    """With no gap in the input there is no column to blame."""
    with pytest.raises(Impossible, match="makes no number of row 1 in column 'y'"):
        check_gaps(np.array([[1.0], [np.nan]]), np.ones((2, 1)), ("y",), allow_missing=False)
    with pytest.raises(Broken):
        to_matrix(["x"], 1, None)


def test_an_imputer_is_loaded_without_the_statistics_of_others(tmp_path):
    """SciPy's are the larger half of what scikit-learn imports; who asks for another imputer gets it."""
    folder = pair_folders.lag_pair(tmp_path)
    code = (
        "import sys; from pathlib import Path; from twinpin import preprocess\n"
        "step = preprocess.load(Path(sys.argv[1]), preprocess.Settings())\n"
        "print(step.fast, 'scipy.stats._stats_py' in sys.modules)\n"
        "from sklearn.impute import KNNImputer, SimpleImputer; import scipy.stats\n"
        "print(KNNImputer.__name__, SimpleImputer.__name__, scipy.stats.rankdata([2, 1]).tolist())\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code, folder], capture_output=True, text=True, check=False)

    assert done.stdout == "True False\nKNNImputer SimpleImputer [2.0, 1.0]\n", done.stderr


def test_a_spline_is_made_of_scipys_own(tmp_path):
    """Whose interpolation is imported only for it."""
    rows = pair_folders.lag_rows()[pair_folders.lag_names()].fillna(0.0)
    pipeline = make_pipeline(StandardScaler(), SplineTransformer(n_knots=3)).fit(rows)
    pair_folders.save_sklearn(
        pipeline, tmp_path / "preprocessor", infer_signature(rows, pipeline.transform(rows)), input_example=rows[:5]
    )
    pair_folders.preprocessor_folder(tmp_path)
    code = (
        "import sys; from pathlib import Path; from twinpin import preprocess\n"
        "before = 'scipy.interpolate' in sys.modules\n"
        "step = preprocess.load(Path(sys.argv[1]), preprocess.Settings())\n"
        "print(before, step.outputs[0].shape, 'scipy.interpolate' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code, tmp_path], capture_output=True, text=True, check=False)

    assert done.stdout == f"False (-1, {pipeline.transform(rows).shape[1]}) True\n", done.stderr


def test_mlflows_default_format_loads_in_a_new_process(tmp_path):
    """The format, skops, trusts what scikit-learn's packages define, also those whose code a start puts off."""
    rows = pair_folders.lag_rows()[pair_folders.lag_names()]
    pipeline = make_pipeline(ColumnTransformer([("all", SimpleImputer(), list(rows))]), StandardScaler()).fit(rows)
    pair_folders.save_sklearn(
        pipeline,
        tmp_path / "preprocessor",
        infer_signature(rows, pipeline.transform(rows)),
        serialization_format="skops",
        skops_trusted_types=["numpy.dtype"],
    )
    pair_folders.preprocessor_folder(tmp_path)
    code = (
        "import sys; from pathlib import Path; from twinpin import preprocess\n"
        "step = preprocess.load(Path(sys.argv[1]), preprocess.Settings())\n"
        "print(step.outputs[0].shape)\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code, tmp_path], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "(-1, 8)"
