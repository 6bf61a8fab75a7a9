"""An issuer of OpenID Connect on the loopback: its discovery document, its keys, and tokens signed with them."""

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

#: What the tokens are for, as manifests/auth names it.
AUDIENCE = "forecasts"


def new_key() -> RSAKey:
    """Make a key pair."""
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


@dataclass
class Issuer:
    """Signs for itself; what it publishes is its own key alone."""

    url: str
    key: RSAKey = field(default_factory=new_key)

    def token(self, *, key: RSAKey | None = None, lives: float = 60, **claims: object) -> str:
        """Sign a token that is good for *lives* seconds; claims and key may be others than they should."""
        now = int(time.time())
        told = {"iss": self.url, "aud": AUDIENCE, "sub": "batch-job", "iat": now - 120, "exp": now + lives} | claims
        signer = key or self.key
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, told, signer)


@contextlib.contextmanager
def token_issuer() -> Iterator[Issuer]:
    """Serve one until the end of the block."""

    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers what a verifier asks for."""

        def do_GET(self) -> None:
            """Tell where the keys are, and the keys."""
            paths = {
                "/.well-known/openid-configuration": {
                    "issuer": issuer.url,
                    "authorization_endpoint": f"{issuer.url}/authorize",
                    "token_endpoint": f"{issuer.url}/token",
                    "jwks_uri": f"{issuer.url}/keys",
                    "id_token_signing_alg_values_supported": ["RS256"],
                },
                "/keys": KeySet([issuer.key]).as_dict(private=False),
            }
            body = json.dumps(paths.get(self.path, {})).encode()
            self.send_response(200 if self.path in paths else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer = Issuer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
