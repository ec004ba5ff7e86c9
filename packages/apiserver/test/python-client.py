"""What Python's client of Kubernetes 1.22 can do with those of its APIs that 1.36 still has. Prints the names of the steps."""

import sys

from kubernetes import client, config, watch
from kubernetes.client.rest import ApiException

config.load_kube_config(config_file=sys.argv[1])
core = client.CoreV1Api()
apps = client.AppsV1Api()
batch = client.BatchV1Api()
steps = []


def step(name):
    steps.append(name)


def fails(status, reason, call):
    try:
        call()
    except ApiException as error:
        assert error.status == status, (error.status, error.body)
        assert '"reason":"%s"' % reason in error.body, error.body
        return error
    raise AssertionError("it should have failed with %s" % reason)


meta = client.V1ObjectMeta

assert client.VersionApi().get_code().major == "1"
assert "v1" in client.CoreApi().get_api_versions().versions
assert any(group.name == "apps" for group in client.ApisApi().get_api_versions().groups)
assert any(one.name == "pods" for one in core.get_api_resources().resources)
step("discovery")

core.create_namespace(client.V1Namespace(metadata=meta(name="py")))
core.create_namespaced_service_account("py", client.V1ServiceAccount(metadata=meta(name="default")))
assert core.read_namespace("py").status.phase == "Active"
step("namespaces")

for index in range(5):
    labels = {"odd": str(index % 2)}
    core.create_namespaced_config_map("py", client.V1ConfigMap(metadata=meta(name="c%d" % index, labels=labels), data={"a": "b"}))
fails(409, "AlreadyExists", lambda: core.create_namespaced_config_map("py", client.V1ConfigMap(metadata=meta(name="c0"))))
fails(404, "NotFound", lambda: core.read_namespaced_config_map("none", "py"))
fails(422, "Invalid", lambda: core.create_namespaced_config_map("py", client.V1ConfigMap(metadata=meta(name="No Name"))))
page = core.list_namespaced_config_map("py", limit=2, label_selector="odd=0")
assert [one.metadata.name for one in page.items] == ["c0", "c2"]
rest = core.list_namespaced_config_map("py", limit=2, label_selector="odd=0", _continue=page.metadata._continue)
assert [one.metadata.name for one in rest.items] == ["c4"] and rest.metadata._continue is None
step("lists")

patched = core.patch_namespaced_config_map("c0", "py", {"data": {"x": "y"}})
assert patched.data == {"a": "b", "x": "y"}
stale = core.read_namespaced_config_map("c1", "py")
core.patch_namespaced_config_map("c1", "py", {"data": {"n": "1"}})
stale.data = {"late": "yes"}
fails(409, "Conflict", lambda: core.replace_namespaced_config_map("c1", "py", stale))
body = [{"op": "test", "path": "/data/a", "value": "wrong"}]
fails(422, "Invalid", lambda: core.patch_namespaced_config_map("c0", "py", body))
dry = core.patch_namespaced_config_map("c0", "py", {"data": {"dry": "run"}}, dry_run="All", field_manager="py")
assert "dry" in dry.data and "dry" not in core.read_namespaced_config_map("c0", "py").data
step("patches")

seen = []
start = core.list_namespaced_config_map("py").metadata.resource_version
core.patch_namespaced_config_map("c3", "py", {"data": {"seen": "yes"}})
core.delete_namespaced_config_map("c3", "py")
watcher = watch.Watch()
for event in watcher.stream(core.list_namespaced_config_map, "py", resource_version=start, timeout_seconds=10):
    seen.append((event["type"], event["object"].metadata.name))
    if event["type"] == "DELETED":
        watcher.stop()
assert seen == [("MODIFIED", "c3"), ("DELETED", "c3")], seen
step("watches")

secret = client.V1Secret(metadata=meta(name="s"), string_data={"key": "value"})
assert core.create_namespaced_secret("py", secret).data == {"key": "dmFsdWU="}
service = client.V1Service(
    metadata=meta(name="web"), spec=client.V1ServiceSpec(selector={"app": "web"}, ports=[client.V1ServicePort(port=80, target_port="http")])
)
assert core.create_namespaced_service("py", service).spec.cluster_ip.startswith("10.")
step("core objects")

container = client.V1Container(name="a", image="registry.example.com/a:1", ports=[client.V1ContainerPort(container_port=80, name="http")])
pod = client.V1Pod(metadata=meta(name="p", labels={"app": "web"}), spec=client.V1PodSpec(containers=[container]))
made = core.create_namespaced_pod("py", pod)
assert made.status.phase == "Pending" and made.spec.containers[0].image_pull_policy == "IfNotPresent"
core.patch_namespaced_pod_status("p", "py", {"status": {"phase": "Running", "podIP": "10.128.0.9", "podIPs": [{"ip": "10.128.0.9"}]}})
assert core.list_pod_for_all_namespaces(field_selector="status.phase=Running").items[0].status.pod_ip == "10.128.0.9"
eviction = client.V1Eviction(metadata=meta(name="p", namespace="py"))
assert core.create_namespaced_pod_eviction("p", "py", eviction) is not None
step("pods")

template = client.V1PodTemplateSpec(metadata=meta(labels={"app": "web"}), spec=client.V1PodSpec(containers=[container]))
selector = client.V1LabelSelector(match_labels={"app": "web"})
apps.create_namespaced_deployment(
    "py", client.V1Deployment(metadata=meta(name="d"), spec=client.V1DeploymentSpec(selector=selector, template=template))
)
assert apps.read_namespaced_deployment("d", "py").spec.replicas == 1
assert apps.patch_namespaced_deployment_scale("d", "py", {"spec": {"replicas": 3}}).spec.replicas == 3
assert apps.read_namespaced_deployment("d", "py").metadata.generation == 2
claims = client.V1StatefulSetSpec(service_name="web", selector=selector, template=template)
apps.create_namespaced_stateful_set("py", client.V1StatefulSet(metadata=meta(name="s"), spec=claims))
apps.create_namespaced_daemon_set("py", client.V1DaemonSet(metadata=meta(name="e"), spec=client.V1DaemonSetSpec(selector=selector, template=template)))
step("apps")

once = client.V1PodTemplateSpec(spec=client.V1PodSpec(restart_policy="Never", containers=[container]))
batch.create_namespaced_job("py", client.V1Job(metadata=meta(name="j"), spec=client.V1JobSpec(template=once)))
job = client.V1JobTemplateSpec(spec=client.V1JobSpec(template=once))
batch.create_namespaced_cron_job("py", client.V1CronJob(metadata=meta(name="c"), spec=client.V1CronJobSpec(schedule="0 * * * *", job_template=job)))
assert batch.list_namespaced_cron_job("py").items[0].spec.concurrency_policy == "Allow"
step("batch")

target = client.V1CrossVersionObjectReference(kind="Deployment", name="d", api_version="apps/v1")
spec = client.V1HorizontalPodAutoscalerSpec(scale_target_ref=target, max_replicas=4, target_cpu_utilization_percentage=60)
autoscaling = client.AutoscalingV1Api()
autoscaling.create_namespaced_horizontal_pod_autoscaler("py", client.V1HorizontalPodAutoscaler(metadata=meta(name="h"), spec=spec))
assert autoscaling.read_namespaced_horizontal_pod_autoscaler("h", "py").spec.target_cpu_utilization_percentage == 60
step("autoscaling")

networking = client.NetworkingV1Api()
backend = client.V1IngressBackend(service=client.V1IngressServiceBackend(name="web", port=client.V1ServiceBackendPort(number=80)))
networking.create_namespaced_ingress("py", client.V1Ingress(metadata=meta(name="i"), spec=client.V1IngressSpec(default_backend=backend)))
policy = client.V1NetworkPolicySpec(pod_selector=client.V1LabelSelector(), policy_types=["Ingress"])
networking.create_namespaced_network_policy("py", client.V1NetworkPolicy(metadata=meta(name="n"), spec=policy))
budget = client.V1PodDisruptionBudgetSpec(min_available=1, selector=selector)
client.PolicyV1Api().create_namespaced_pod_disruption_budget("py", client.V1PodDisruptionBudget(metadata=meta(name="b"), spec=budget))
step("networking and policy")

rbac = client.RbacAuthorizationV1Api()
rule = client.V1PolicyRule(api_groups=[""], resources=["pods"], verbs=["get"])
rbac.create_namespaced_role("py", client.V1Role(metadata=meta(name="r"), rules=[rule]))
assert any(role.metadata.name == "cluster-admin" for role in rbac.list_cluster_role().items)
attributes = client.V1ResourceAttributes(namespace="py", verb="get", resource="pods")
review = client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes))
assert client.AuthorizationV1Api().create_self_subject_access_review(review).status.allowed
step("access")

lease = client.V1Lease(metadata=meta(name="l"), spec=client.V1LeaseSpec(holder_identity="me", lease_duration_seconds=15))
client.CoordinationV1Api().create_namespaced_lease("py", lease)
client.StorageV1Api().create_storage_class(client.V1StorageClass(metadata=meta(name="fast"), provisioner="example.com/fast"))
client.SchedulingV1Api().create_priority_class(client.V1PriorityClass(metadata=meta(name="high"), value=1000))
assert client.DiscoveryV1Api().list_endpoint_slice_for_all_namespaces() is not None
assert client.AdmissionregistrationV1Api().list_validating_webhook_configuration().items == []
assert client.ApiextensionsV1Api().list_custom_resource_definition().items == []
assert client.ApiregistrationV1Api().list_api_service() is not None
step("other groups")

deleted = apps.delete_namespaced_deployment("d", "py", body=client.V1DeleteOptions(propagation_policy="Background", grace_period_seconds=0))
assert deleted.status == "Success", deleted
core.delete_collection_namespaced_config_map("py")
assert core.list_namespaced_config_map("py").items == []
old = client.BatchV1beta1Api()
try:
    old.list_namespaced_cron_job("py")
    raise AssertionError("batch/v1beta1 is gone")
except ApiException as error:
    assert error.status == 404 and error.body == "404 page not found\n", error.body
step("deletions")

print("\n".join(steps))
