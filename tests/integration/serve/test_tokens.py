"""oauth2-proxy before `twinpin serve`, as manifests/auth has it: who has no good token reaches nothing."""

import base64
import json

import httpx
import numpy as np
import pytest
from auth_proxy import auth_proxy
from token_issuer import AUDIENCE, new_key, token_issuer

pytestmark = pytest.mark.timeout(600)  # the first build of oauth2-proxy takes a minute or two


@pytest.fixture(scope="module")
def issuer():
    """The issuer."""
    with token_issuer() as running:
        yield running


@pytest.fixture(scope="module")
def client(server, issuer, tmp_path_factory):
    """A client of the proxy."""
    log = tmp_path_factory.mktemp("proxy") / "log"
    with auth_proxy(server.url, issuer.url, log) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


def bearer(token):
    """The header."""
    return {"Authorization": f"Bearer {token}"}


def unsigned(issuer):
    """A token that says of itself that it needs no signature."""
    _, claims, _ = issuer.token().split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    return f"{head}.{claims}."


def other_claims(issuer):
    """A good token, with other claims put under its signature."""
    head, _, signature = issuer.token().split(".")
    _, claims, _ = issuer.token(sub="root").split(".")
    return f"{head}.{claims}.{signature}"


BAD = {
    "no token": lambda _: {},
    "not a token": lambda _: bearer("forecasts"),
    "another audience": lambda issuer: bearer(issuer.token(aud="billing")),
    "no audience": lambda issuer: bearer(issuer.token(aud="")),
    "expired": lambda issuer: bearer(issuer.token(lives=-60)),
    "another key under the same name": lambda issuer: bearer(issuer.token(key=new_key())),
    "another issuer": lambda issuer: bearer(issuer.token(iss="https://issuer.example.com")),
    "no signature": lambda issuer: bearer(unsigned(issuer)),
    "claims that were not signed": lambda issuer: bearer(other_claims(issuer)),
    "a password": lambda _: {"Authorization": "Basic Zm9yZWNhc3RzOg=="},
    "a session that nobody gave": lambda _: {"Cookie": "_oauth2_proxy=forged|1767225600|forged"},
    "who says that a proxy has let them in": lambda _: {"X-Forwarded-User": "root", "X-Forwarded-Email": "r@x.org"},
}


def answered(server):
    """How many requests for forecasts the server itself counts."""
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("twinpin_requests_total{"))


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("path", ["/predict", "/predict/feast", "/v2/models/forecast/infer"])
def test_a_request_without_a_good_token_reaches_nothing(server, issuer, client, bad, path):
    """It is answered 401 by the proxy, and the server behind it counts no request."""
    before = answered(server)
    refused = client.post(path, json={"entities": 1}, headers=BAD[bad](issuer))

    assert refused.status_code == 401
    assert "prediction" not in refused.text
    assert answered(server) == before


def test_a_good_token_gets_the_forecast(world, server, issuer, client):
    """The very numbers that the pair gives offline, and the server counts one request more."""
    from served_world import row  # noqa: PLC0415 -- Feast takes four seconds to import

    before = answered(server)
    found = client.post("/predict/feast", json={"entities": 1}, headers=bearer(issuer.token()))

    assert found.status_code == 200, found.text
    np.testing.assert_allclose(found.json()["prediction"], world.offline(row(1))[0], atol=1e-5)
    assert answered(server) == before + 1


def test_an_audience_among_several_is_enough(issuer, client):
    """Issuers write lists."""
    found = client.post("/predict/feast", json={"entities": 1}, headers=bearer(issuer.token(aud=["billing", AUDIENCE])))

    assert found.status_code == 200


def test_health_needs_no_token_and_metrics_do(server, client):
    """A load balancer has none; the rest of the server is as closed as forecasts."""
    health = client.get("/health")

    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert client.post("/health").status_code != 200
    assert client.get("/metrics").status_code in (302, 403)
    assert client.get("/health/../metrics").status_code in (302, 403)
    assert client.get("/v2/health/ready").status_code == 401


def test_a_browser_is_sent_to_the_issuer(issuer, client):
    """The page asks for a login."""
    shown = client.get("/")
    begun = client.get("/oauth2/start?rd=/")

    assert shown.status_code in (302, 403)
    assert "Twinpin" not in shown.text
    assert begun.headers["location"].startswith(f"{issuer.url}/authorize?")
