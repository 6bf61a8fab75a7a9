"""The transport to steps in this process: tensors are handed over, nothing is encoded."""

from collections.abc import Iterable, Mapping

from twinpin.graph.body import Body, Form
from twinpin.graph.transport import Headers, Reply, Target
from twinpin.step.encode import select
from twinpin.step.errors import DeadlineExceeded, TwinpinError, UnknownModel
from twinpin.step.served import Served


class InProcess:
    """Steps found by model name: that of `/v2/models/<name>/infer` in a serviceUrl, or the serviceName itself."""

    def __init__(self, steps: Iterable[Served]) -> None:
        self._steps: Mapping[str, Served] = {step.name: step for step in steps}

    async def send(self, target: Target, body: Body, headers: Headers, deadline: float | None) -> Reply:  # noqa: ARG002 -- the seam's
        """Hand the message to the step; what it raises becomes its status, as it would over HTTP.

        A step that is late gave no answer: raises DeadlineExceeded.
        """
        step = self._steps.get(target.model)
        try:
            if step is None or (target.version and target.version not in step.versions):
                raise UnknownModel(f"{target.label} leads to model {target.model!r}, which is not served here")
            request = body.message()
            answer = select(await step.infer(request, deadline=deadline), request.requested)
        except DeadlineExceeded as error:
            raise DeadlineExceeded(f"{target.label} did not answer in the time allowed") from error
        except TwinpinError as error:
            return Reply.of_error(error)
        form: Form = "request" if target.answers_request else "response"
        return Reply(200, Body.of_message(answer, form, step.name))

    async def aclose(self) -> None:
        """Leave the steps to their owner."""
