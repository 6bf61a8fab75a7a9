"""Faults: what MLflow raises, told apart by whether waiting helps."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from twinpin.pair.errors import Denied, PairError, Refused, UnknownName, Unreachable
from twinpin.pair.outage import outage, silent

DENIED = {"PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED", "UNAUTHENTICATED"}
UNKNOWN = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}
#: The request itself is wrong, so the same request is wrong again.
WRONG = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "NOT_IMPLEMENTED", "ENDPOINT_NOT_FOUND"}

#: How databases name a row that somebody else inserted at that moment; MLflow calls it a bad request.
COLLISION = re.compile(r"IntegrityError|UniqueViolation")

CREDENTIALS = "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, to ones that may."

DATABASE = "The small MLflow client reads registries over HTTP alone; for a database, install mlflow in full."


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Turn the errors of MLflow, of HTTP and of the disk into ours; *action* completes `could not ...`."""
    try:
        yield
    except PairError:
        raise
    except ImportError as error:
        raise Refused(f"Could not {action}: {error.name or 'a library'} is not installed. {DATABASE}") from error
    except Exception as error:
        fault = _fault(action, error)
        if fault is None:
            raise
        raise fault from error


def alias_missing(error: Exception) -> bool:
    """Whether MLflow says that the model exists and the alias does not: it calls that an invalid parameter."""
    return _code(error) == "INVALID_PARAMETER_VALUE" and "alias" in str(error).lower() and "not found" in str(error)


def _fault(action: str, error: Exception) -> PairError | None:
    """Choose our error; None for what is neither MLflow's, nor HTTP's, nor the disk's."""
    code = _code(error)
    cause = f"Could not {action}: {_line(error)}"
    if code in DENIED:
        return Denied(f"Could not {action}: the registry refuses these credentials. {CREDENTIALS}")
    if code in UNKNOWN:
        return UnknownName(cause)
    if code == "BAD_REQUEST" and COLLISION.search(str(error)):
        return Unreachable(f"Could not {action}: somebody else wrote the same at that moment. Try again.")
    if code in WRONG:
        return Refused(f"{cause} {DATABASE}" if "unsupported URI" in cause else cause)
    if code is not None or isinstance(error, OSError):
        return Unreachable(cause)
    return None


def _code(error: Exception) -> str | None:
    """Read MLflow's error code; an HTTP status stands for the code that MLflow gives it."""
    code = getattr(error, "error_code", None)
    response = getattr(error, "response", None)
    if code is None and response is not None:
        return {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}.get(response.status_code)
    return code


def _line(error: Exception) -> str:
    """Shorten a cause to one line without credentials: MLflow quotes whole pages and URIs."""
    text = re.sub(r"//[^/\s@]*@", "//", str(error))
    if why := outage(error):
        return silent(text, why)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
