"""The command `twinpin webhook`: MLflow tells the controller when an alias moves, from now on."""

import os

import click

from twinpin.pair.errors import Refused, Unreachable
from twinpin.pair.faults import translated
from twinpin.pair.registry import MlflowRegistry
from twinpin.pair.reporting import EPILOG, reporting, show
from twinpin.pair.settings import Settings
from twinpin.rollout.settings import FaceSettings
from twinpin.settings import option

#: What the controller takes for a hint.
EVENTS = ["model_version_alias.created", "model_version_alias.deleted"]
NAME = "twinpin"
#: Seconds for MLflow's answer to a trial: by default it sends a delivery four times, and waits 30 s for each.
TRIAL = 150


@click.command(epilog=EPILOG)
@click.option("--url", required=True, help="Where MLflow's server finds the controller, such as https://HOST/mlflow.")
@click.option("--remove", is_flag=True, help="Take the webhook of this address away.")
@option(FaceSettings, "webhook_secret")
@reporting("registry_uri", "tracking_uri")
def webhook(settings: Settings, *, url: str, remove: bool, webhook_secret: str | None, as_json: bool) -> None:
    """Let MLflow tell the controller when an alias moves; it polls all the same."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(TRIAL))
    hooks = Webhooks(MlflowRegistry(settings.registry_uri, settings.tracking_uri), url)
    if remove:
        there = hooks.remove()
        show(
            {"url": url, "removed": there}, ["removed" if there else "There is none of this address."], as_json=as_json
        )
        return
    if not webhook_secret:
        raise Refused("No secret is given.", mend="Set TWINPIN_WEBHOOK_SECRET to the one that the controller has.")
    hooks.register(webhook_secret)
    show({"url": url, "reached": True}, ["MLflow reaches the controller."], as_json=as_json)


class Webhooks:
    """The webhook of one address in MLflow's registry."""

    def __init__(self, registry: MlflowRegistry, url: str) -> None:
        self._registry = registry
        self._url = url

    def register(self, secret: str) -> None:
        """Create or renew it, and let MLflow's server try it; Unreachable where its delivery is not taken."""
        client = self._registry.client
        with translated("register the webhook"):
            found = self._find()
            if found is None:
                made = client.create_webhook(NAME, self._url, EVENTS, secret=secret)
            else:
                made = client.update_webhook(found, events=EVENTS, secret=secret, status="ACTIVE")
            tried = client.test_webhook(made.webhook_id, EVENTS[0])
        if not tried.success:
            told = tried.error_message or f"Status {tried.response_status}: {tried.response_body}"
            raise Unreachable(f"It is registered, but MLflow does not get through to {self._url}. {told}")

    def remove(self) -> bool:
        """Delete it; False when there is none."""
        with translated("remove the webhook"):
            found = self._find()
            if found is not None:
                self._registry.client.delete_webhook(found)
        return found is not None

    def _find(self) -> str | None:
        """Find its id, page by page."""
        token = None
        while True:
            page = self._registry.client.list_webhooks(page_token=token)
            for each in page:
                if each.url == self._url:
                    return str(each.webhook_id)
            if not (token := page.token):
                return None
