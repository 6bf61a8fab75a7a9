"""Evidence: why a preprocessor and a model belong together, strongest reason first."""

from typing import Literal

from twinpin.pair.errors import NotAPair, NotReady, Pending
from twinpin.pair.registry import Registry
from twinpin.pair.version import PAIR_TAG, Pair, Version

Evidence = Literal["tag", "run", "lineage"]


def examine(registry: Registry, pair: Pair) -> Evidence:
    """Say why the two belong together.

    Both must be READY: Pending and NotReady say which is not. NotAPair says what speaks against them.
    """
    for version in pair:
        _require_ready(version)
    preprocessor, model = pair
    if preprocessor.pair_tag or model.pair_tag:
        _require_one_tag(preprocessor, model)
        return "tag"
    if preprocessor.run_id and preprocessor.run_id == model.run_id:
        return "run"
    if preprocessor.model_id and model.run_id and preprocessor.model_id in registry.run_inputs(model.run_id):
        return "lineage"
    raise NotAPair(
        f"Nothing says that {preprocessor.label} (run {preprocessor.run_id}) and {model.label} (run {model.run_id}) "
        f"belong together: they carry no tag {PAIR_TAG}, come from two runs, and the model's run does not name the "
        "preprocessor among its model inputs.",
        mend="twinpin promote --run RUN_ID",
    )


def _require_ready(version: Version) -> None:
    """Refuse a version that the registry has not made."""
    if version.status == "PENDING":
        raise Pending(f"The registry is still making {version.label}: wait until it is READY.")
    if version.status == "FAILED":
        raise NotReady(
            f"The registry failed to make {version.label}: register it anew, then promote that version.",
            mend="twinpin promote --run RUN_ID",
        )


def _require_one_tag(preprocessor: Version, model: Version) -> None:
    """Refuse a tag on one half alone, and two that differ: a tag outranks the run."""
    if preprocessor.pair_tag == model.pair_tag:
        return
    if preprocessor.pair_tag and model.pair_tag:
        raise NotAPair(
            f"{preprocessor.label} belongs to pair {preprocessor.pair_tag!r}, {model.label} to pair "
            f"{model.pair_tag!r}.",
            mend=f"twinpin promote --pair {model.pair_tag}",
        )
    tagged, bare = (preprocessor, model) if preprocessor.pair_tag else (model, preprocessor)
    raise NotAPair(
        f"{tagged.label} belongs to pair {tagged.pair_tag!r}, {bare.label} carries no tag {PAIR_TAG}: "
        "promote the half that does, or tag it when it was made for this pair.",
        mend=f"twinpin promote --pair {tagged.pair_tag}",
    )
