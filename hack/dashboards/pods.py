"""Pods: what there is of them, what they take, and what the model runs on."""

from dashboards.panels import SO, Panel, Timeline
from dashboards.queries import RELEASE, Query, rate

PODS = [
    Panel(
        "Pods that answer Prometheus, by part",
        "An empty part is a process outside of a cluster.",
        [Query(f"sum by (app_kubernetes_io_component) (up{{{RELEASE}}})", "{{app_kubernetes_io_component}}")],
        width=6,
    ),
    Panel(
        "Pods that do not",
        "They wait in Init, hang, or are not reached.",
        [
            Query(
                f"sum by (app_kubernetes_io_component) (up{{{RELEASE}}} == bool 0)",
                "{{app_kubernetes_io_component}}",
            )
        ],
        width=6,
        limits=(1,),
    ),
    Panel(
        "CPU",
        "Seconds of CPU per second, of each pod.",
        [Query(f"sum by (pod, instance) ({rate('process_cpu_seconds_total')})", "{{pod}} {{instance}}")],
        width=6,
    ),
    Panel(
        "Memory",
        "Resident, of each pod.",
        [Query(f"sum by (pod, instance) (process_resident_memory_bytes{{{RELEASE}}})", "{{pod}} {{instance}}")],
        unit="bytes",
        width=6,
    ),
    Panel(
        "Loading of a half",
        "Time to load and warm it, of the pair that was loaded last.",
        [Query(f"max by (half) (twinpin_model_load_duration_seconds{{{RELEASE}}})", "{{half}}")],
        unit="s",
    ),
    Timeline(
        "Device",
        "What the model runs on.",
        [
            Query(
                f"max by (device, pod, instance) (twinpin_device_info{{{RELEASE}}} == 1)",
                "{{device}} {{pod}} {{instance}}",
            )
        ],
        words=SO,
    ),
    Panel(
        "GPU memory",
        "Of each pod that has a GPU.",
        [Query(f"sum by (state, pod) (twinpin_gpu_memory_bytes{{{RELEASE}}})", "{{pod}} {{state}}")],
        unit="bytes",
        silent="no GPU",
    ),
]
