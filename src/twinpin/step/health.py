"""grpc.health.v1, which Kubernetes' own gRPC probes ask for; its messages lie in the private pool too."""

from twinpin.step.descriptors import message_class

HealthCheckRequest = message_class("grpc.health.v1.HealthCheckRequest")
HealthCheckResponse = message_class("grpc.health.v1.HealthCheckResponse")

HEALTH_SERVICE = "grpc.health.v1.Health"
HEALTH_CHECK = f"/{HEALTH_SERVICE}/Check"

# Of the enum HealthCheckResponse.ServingStatus.
SERVING = 1
NOT_SERVING = 2
