"""What the pods of a release may do: read one Pin, say what they wait for, write in /tmp, and nothing else."""

import json

import pytest
from cluster_tools import attempt, run

pytestmark = pytest.mark.cluster

OURS = ("features", "preprocess", "predict", "gateway")
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"
#: The user's own folder, the interpreter's, the root: where an attacker would write.
CLOSED = ("/written", "/home/written", "/usr/local/bin/written", "/etc/written", "/mnt/pair/written")


def rules(namespace, account):
    """What a ServiceAccount may do in its namespace, as the API server works it out."""
    user = f"system:serviceaccount:{namespace.name}:{account}"
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace.name}", "system:authenticated")
    asked = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace.name},
    }
    words = (f"--as={user}", *(f"--as-group={group}" for group in groups))
    answer = json.loads(
        run("kubectl", "create", "--validate=false", "-f", "-", "-o", "json", *words, stdin=json.dumps(asked))
    )
    return {
        (verb, group, resource, name)
        for rule in answer["status"]["resourceRules"]
        for verb in rule["verbs"]
        for group in rule.get("apiGroups", [""])
        for resource in rule.get("resources", [])
        for name in rule.get("resourceNames") or ["*"]
    }


def test_resolve_may_make_one_pin_read_it_and_write_events(release):
    """Nothing more than every account of the cluster may."""
    own = rules(release.namespace, f"{release.name}-resolve") - rules(release.namespace, "default")
    pins = {f"{release.name}-pair", f"{release.name}-pair-{release.rollout}"}

    assert own == {
        ("create", "", "configmaps", "*"),
        *(("get", "", "configmaps", pin) for pin in pins),
        ("create", "", "events", "*"),
    }


def test_steps_may_do_nothing(release):
    """Their account has no rule that others have not."""
    assert rules(release.namespace, f"{release.name}-step") == rules(release.namespace, "default")


@pytest.mark.parametrize("part", OURS)
def test_a_server_has_no_token(release, part):
    """Neither the file nor the volume; the init container alone has them."""
    pod = release.pods(part)[0]
    (container,) = pod["spec"]["containers"]
    found = release.namespace.python(
        pod["metadata"]["name"], f"import os; print(os.path.exists({TOKEN!r}))", container["name"]
    )

    assert found.stdout.strip() == "False", found.stderr
    assert all("serviceaccount" not in mount["mountPath"] for mount in container["volumeMounts"])


@pytest.mark.parametrize("part", OURS)
def test_the_root_is_read_only_and_tmp_is_not(release, part):
    """A write outside /tmp fails with the file system's own words, in the running container."""
    pod = release.pods(part)[0]
    name, container = pod["metadata"]["name"], pod["spec"]["containers"][0]["name"]
    for path in CLOSED:
        done = release.namespace.python(name, f"open({path!r}, 'w')", container)
        assert done.returncode != 0, path
        assert "Read-only file system" in done.stderr or "No such file" in done.stderr, done.stderr
    done = release.namespace.python(name, "open('/tmp/written', 'w').write('x')", container)

    assert done.returncode == 0, done.stderr
    assert "Read-only file system" in release.namespace.python(name, "open('/written', 'w')", container).stderr


@pytest.mark.parametrize("part", OURS)
def test_a_server_is_nobody_and_has_no_compiler(release, part):
    """A numeric user without a shell's powers: no capability, no new privileges, no compiler, no source tree."""
    pod = release.pods(part)[0]
    name, container = pod["metadata"]["name"], pod["spec"]["containers"][0]["name"]
    code = "import os, shutil; print(os.getuid(), shutil.which('gcc'), open('/proc/self/status').read())"
    found = release.namespace.python(name, code, container).stdout

    assert found.startswith("65532 None")
    assert "CapEff:\t0000000000000000" in found
    assert "NoNewPrivs:\t1" in found
    assert "Seccomp:\t2" in found


def test_every_pod_but_the_routers_meets_the_restricted_standard(release):
    """The API server names those that would not: KServe gives its router no seccomp profile."""
    label = "pod-security.kubernetes.io/enforce=restricted"
    words = ("label", "namespace", release.namespace.name, label, "--overwrite", "--dry-run=server")
    told = attempt("kubectl", *words).stderr
    named = [line for line in told.splitlines() if any(f"{release.deployment(part)}-" in line for part in OURS)]

    assert named == [], told
    assert f"{release.deployment('graph')}-" in told, told
