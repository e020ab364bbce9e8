"""Workspaces and webhooks as the real MLflow client uses them; prints what it saw as JSON."""

import base64
import hashlib
import hmac
import json
import os
import threading
import warnings
from http.server import BaseHTTPRequestHandler, HTTPServer

import mlflow
from mlflow.entities.webhook import WebhookEvent
from mlflow.exceptions import MlflowException
from mlflow.webhooks.types import get_payload_class_for_event

warnings.filterwarnings("ignore")
SECRET = "a secret of two parties"
seen = {}


def code_of(work):
    """The error code that a call ends with."""
    try:
        work()
    except MlflowException as error:
        return error.error_code
    return "no error"


def log_something(value):
    """An experiment and a model of one name, with a file, in the workspace that is set."""
    mlflow.set_experiment("same")
    with mlflow.start_run() as run:
        mlflow.log_param("where", value)
        mlflow.log_text(value, "where.txt")
    client = mlflow.MlflowClient()
    client.create_registered_model("same", description=value)
    return run.info.run_id


def what_is_there():
    [run] = mlflow.search_runs(experiment_names=["same"], output_format="list")
    text = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/where.txt")
    model = mlflow.MlflowClient().get_registered_model("same")
    return [run.data.params["where"], text, model.description]


def workspaces():
    seen["first"] = sorted(workspace.name for workspace in mlflow.list_workspaces())
    made = mlflow.create_workspace("ada--rivers", description="All rivers")
    seen["made"] = [made.name, made.description]
    mlflow.create_workspace("ada--lakes")
    seen["again"] = code_of(lambda: mlflow.create_workspace("ada--lakes"))
    seen["of_another"] = code_of(lambda: mlflow.create_workspace("bob--lakes"))
    seen["updated"] = mlflow.update_workspace("ada--lakes", description="Still").description
    seen["got"] = mlflow.get_workspace("ada--lakes").description
    seen["unknown"] = code_of(lambda: mlflow.get_workspace("ada--nothing"))
    runs = {}
    for name in ("ada--rivers", "ada--lakes"):
        mlflow.set_workspace(name)
        runs[name] = log_something(name)
    for name in ("ada--rivers", "ada--lakes"):
        mlflow.set_workspace(name)
        seen[name] = what_is_there()
    seen["crossed"] = code_of(lambda: mlflow.get_run(runs["ada--rivers"]))
    mlflow.set_workspace("bob--secret")
    seen["hidden"] = code_of(lambda: mlflow.search_experiments())
    mlflow.set_workspace(None)
    seen["outside"] = mlflow.search_experiments(filter_string="name = 'same'")
    mlflow.create_workspace("ada--puddle")
    mlflow.delete_workspace("ada--puddle")
    seen["full"] = code_of(lambda: mlflow.delete_workspace("ada--lakes"))
    seen["cascade"] = code_of(lambda: mlflow.delete_workspace("ada--lakes", mode="CASCADE"))
    seen["last"] = sorted(workspace.name for workspace in mlflow.list_workspaces())


def by_environment():
    """The workspace of MLFLOW_WORKSPACE, as in a job that was started with it."""
    os.environ["MLFLOW_WORKSPACE"] = "ada--lakes"
    seen["environment"] = what_is_there()
    del os.environ["MLFLOW_WORKSPACE"]


class Receiver(BaseHTTPRequestHandler):
    """Verifies as MLflow's documentation tells receivers to."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode("utf-8")
        signed = f"{self.headers['X-MLflow-Delivery-Id']}.{self.headers['X-MLflow-Timestamp']}.{body}"
        digest = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest()
        expected = f"v1,{base64.b64encode(digest).decode()}"
        verified = hmac.compare_digest(expected, self.headers["X-MLflow-Signature"])
        message = json.loads(body)
        # The client sets tags of its own on a prompt.
        if not message["data"].get("key", "").startswith("_mlflow"):
            got.append((message, verified))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"thank you")
        if len(got) >= len(EVENTS) + 1:
            complete.set()

    def log_message(self, *_):
        pass


got = []
complete = threading.Event()
EVENTS = [
    "registered_model.created",
    "model_version.created",
    "model_version_tag.set",
    "model_version_tag.deleted",
    "model_version_alias.created",
    "model_version_alias.deleted",
    "prompt.created",
    "prompt_version.created",
    "prompt_tag.set",
    "prompt_tag.deleted",
    "prompt_version_tag.set",
    "prompt_version_tag.deleted",
    "prompt_alias.created",
    "prompt_alias.deleted",
]


def cause_every_event(client):
    client.create_registered_model("m", tags={"a": "b"}, description="Text")
    client.create_model_version("m", source="s3://bucket/model", tags={"c": "d"})
    client.set_model_version_tag("m", "1", "k", "v")
    client.delete_model_version_tag("m", "1", "k")
    client.set_registered_model_alias("m", "champion", "1")
    client.delete_registered_model_alias("m", "champion")
    client.register_prompt("p", "Hello {{name}}!", commit_message="First", tags={"e": "f"})
    client.set_prompt_tag("p", "k", "v")
    client.delete_prompt_tag("p", "k")
    client.set_prompt_version_tag("p", "1", "k", "v")
    client.delete_prompt_version_tag("p", "1", "k")
    client.set_prompt_alias("p", "live", 1)
    client.delete_prompt_alias("p", "live")


def webhooks():
    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{receiver.server_port}/hook"
    client = mlflow.MlflowClient()
    made = client.create_webhook("every", url, EVENTS, description="All of it", secret=SECRET)
    seen["made"] = [made.name, made.url, made.description, str(made.status), made.secret]
    seen["events"] = sorted(str(event) for event in made.events) == sorted(EVENTS)
    seen["same"] = client.get_webhook(made.webhook_id).creation_timestamp == made.creation_timestamp
    test = client.test_webhook(made.webhook_id, "prompt_tag.set")
    seen["tested"] = [test.success, test.response_status, test.response_body, got[0][1]]
    cause_every_event(client)
    complete.wait(60)
    payloads = {}
    for body, verified in got[1:]:
        event = WebhookEvent(body["entity"], body["action"])
        fields = get_payload_class_for_event(event).__annotations__.keys()
        payloads[str(event)] = [verified, body["workspace"], body["data"] if fields == body["data"].keys() else fields]
    seen["payloads"] = payloads
    other = client.create_webhook("other", url, ["prompt.created"])
    page = client.list_webhooks(max_results=1)
    seen["pages"] = [page[0].name, client.list_webhooks(max_results=1, page_token=page.token)[0].name]
    changed = client.update_webhook(other.webhook_id, name="renamed", events=["prompt_tag.set"], status="DISABLED")
    seen["changed"] = [changed.name, [str(event) for event in changed.events], str(changed.status), changed.url == url]
    client.delete_webhook(other.webhook_id)
    seen["gone"] = code_of(lambda: client.get_webhook(other.webhook_id))
    seen["bad"] = [
        code_of(lambda: client.create_webhook("x", "https://169.254.169.254/", ["prompt.created"])),
        code_of(lambda: client.create_webhook("x", "http://example.com/", ["prompt.created"])),
        code_of(lambda: client.create_webhook("Not A Name", url, ["prompt.created"])),
        code_of(lambda: client.list_webhooks(max_results=1001)),
    ]
    client.delete_webhook(made.webhook_id)
    receiver.shutdown()


parts = {}
for part in (workspaces, by_environment, webhooks):
    part()
    parts[part.__name__] = seen
    seen = {}
print(json.dumps(parts, default=str))
