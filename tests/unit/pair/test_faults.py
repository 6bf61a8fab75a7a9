"""MLflow's errors are told apart by whether waiting helps, and quoted without credentials."""

import errno

import pytest
import requests
from mlflow.exceptions import MlflowException, RestException
from mlflow.protos import databricks_pb2 as codes

from twinpin.pair.errors import Denied, LeaseLost, Refused, UnknownName, Unreachable
from twinpin.pair.faults import alias_missing, translated


def answered(status):
    """Make what requests raises for a status."""
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError(f"{status} for url", response=response)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (MlflowException("x", codes.PERMISSION_DENIED), Denied),
        (MlflowException("x", codes.CUSTOMER_UNAUTHORIZED), Denied),
        (MlflowException("x", codes.UNAUTHENTICATED), Denied),
        (MlflowException("x", codes.RESOURCE_DOES_NOT_EXIST), UnknownName),
        (MlflowException("x", codes.INVALID_PARAMETER_VALUE), Refused),
        (MlflowException("x", codes.ENDPOINT_NOT_FOUND), Refused),
        (MlflowException("x", codes.BAD_REQUEST), Refused),
        (MlflowException("(sqlite3.IntegrityError) UNIQUE constraint failed", codes.BAD_REQUEST), Unreachable),
        (MlflowException("(psycopg2.errors.UniqueViolation) duplicate key", codes.BAD_REQUEST), Unreachable),
        (MlflowException("x", codes.TEMPORARILY_UNAVAILABLE), Unreachable),
        (MlflowException("x", codes.REQUEST_LIMIT_EXCEEDED), Unreachable),
        (MlflowException("API request failed with exception"), Unreachable),
        (RestException({"error_code": "INTERNAL_ERROR", "message": "x"}), Unreachable),
        (answered(401), Denied),
        (answered(403), Denied),
        (answered(404), UnknownName),
        (answered(502), Unreachable),
        (requests.ConnectionError("refused"), Unreachable),
        (OSError(errno.ENOSPC, "No space left on device"), Unreachable),
        (ModuleNotFoundError("No module named 'sqlalchemy'", name="sqlalchemy"), Refused),
    ],
)
def test_each_fault_has_its_kind(raised, expected):
    """The exact class, since a script acts on it; the cause stays for the log."""
    with pytest.raises(Refused if issubclass(expected, Refused) else expected) as caught, translated("look"):
        raise raised

    assert type(caught.value) is expected
    assert caught.value.__cause__ is raised
    assert caught.value.message.startswith("Could not look: ")


@pytest.mark.parametrize("raised", [ValueError("x"), KeyError("x"), LeaseLost("x")])
def test_a_defect_and_our_own_errors_pass_as_they_are(raised):
    """A defect must not be called a registry that is down."""
    with pytest.raises(type(raised)) as caught, translated("look"):
        raise raised

    assert caught.value is raised


def test_credentials_and_pages_are_not_quoted():
    """A URI may hold a password; an answer may be a page of HTML."""
    with pytest.raises(Unreachable) as caught, translated("look"):
        raise MlflowException("\n  at postgresql://ann:secret@db/mlflow failed\n<html>" + "x" * 9000)

    assert caught.value.message == "Could not look: at postgresql://db/mlflow failed"


def test_an_alias_that_is_missing_is_known_from_a_wrong_request():
    """MLflow has one code for both."""
    wrong = codes.INVALID_PARAMETER_VALUE

    assert alias_missing(MlflowException("Registered model alias x not found.", wrong))
    assert not alias_missing(MlflowException("Registered model alias name cannot be empty.", wrong))
    assert not alias_missing(MlflowException("Registered model alias x not found."))
