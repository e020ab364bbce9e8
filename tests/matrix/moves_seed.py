"""Fills a store with everything a team may have in it: usage moves_seed.py ARTIFACT_FOLDER, store in MLFLOW_TRACKING_URI.

Works with every client from 2.10 on; what a version does not know (logged models before 3.0) is left out.
"""

import json
import math
import os
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.tracking import MlflowClient

LATER = 1_700_000_000_000
POINTS = int(os.environ.get("SEED_POINTS", "2000"))
artifacts = sys.argv[1]
client = MlflowClient()
store = client._tracking_client.store


def files(run_id):
    with tempfile.TemporaryDirectory() as folder:
        names = ["plain.txt", "with space.txt", "日本 語.txt", "a+b=c,d@e.txt", "100%.txt", "semi;colon.txt", "empty.bin", "(p)[b].txt"]
        for name in names:
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write("" if name == "empty.bin" else f"content of {name}\n" * 3)
        client.log_artifacts(run_id, folder)
        client.log_artifacts(run_id, folder, "deep/er folder/été")
        with open(os.path.join(folder, "big.bin"), "wb") as file:
            file.write(bytes(range(256)) * 4096)
        client.log_artifact(run_id, os.path.join(folder, "big.bin"), "data")


def dataset(name, digest, context, schema='{"mlflow_colspec": []}'):
    entity = Dataset(name=name, digest=digest, source_type="local", source=json.dumps({"uri": f"/data/{name}.csv"}), schema=schema, profile='{"num_rows": 3}')
    tags = [InputTag("mlflow.data.context", context), InputTag("team", "é")] if context else []
    return DatasetInput(entity, tags)


def model_files(run_id, path):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "MLmodel"), "w") as file:
            file.write(f"artifact_path: {path}\nflavors:\n  python_function:\n    loader_module: mine\nrun_id: {run_id}\nmodel_uuid: 0123\nutc_time_created: '2024-01-01 00:00:00.000000'\n")
        with open(os.path.join(folder, "weights.bin"), "wb") as file:
            file.write(b"\x00\x01" * 500)
        client.log_artifacts(run_id, folder, path)


def experiments():
    first = client.create_experiment("rich", tags={"mlflow.note.content": "# Notes\n\nwith *markdown* and é", "team": "earth"})
    gone = client.create_experiment("gone for now", tags={"why": "old"})
    placed = client.create_experiment("placed elsewhere", artifact_location="file://" + os.path.join(artifacts, "placed"))
    client.create_experiment("empty/with slash: and 日本")
    run = client.create_run(gone, run_name="in a deleted experiment", start_time=LATER)
    client.log_param(run.info.run_id, "a", "b")
    client.log_metric(run.info.run_id, "m", 1.0, timestamp=LATER, step=0)
    client.set_terminated(run.info.run_id, "FINISHED", LATER + 5)
    client.delete_experiment(gone)
    run = client.create_run(placed, run_name="in its own place", start_time=LATER)
    client.log_text(run.info.run_id, "hello", "notes.txt")
    run = client.create_run("0", run_name="in the default", start_time=LATER + 1)
    client.log_text(run.info.run_id, "hello", "notes.txt")
    return first


def rich_run(experiment):
    run_id = client.create_run(experiment, run_name="the rich one é", start_time=LATER, tags={"mlflow.user": "ada", "mlflow.source.name": "train.py", "mlflow.note.content": "line one\nline two"}).info.run_id
    for start in range(0, POINTS, 1000):
        points = [Metric("loss", math.exp(-i / 500) + (i % 7) / 100, LATER + i * 10, i) for i in range(start, min(POINTS, start + 1000))]
        client.log_batch(run_id, metrics=points)
    odd = [
        Metric("odd", float("nan"), LATER, 0),
        Metric("odd", float("inf"), LATER, 1),
        Metric("odd", float("-inf"), LATER, 2),
        Metric("odd", 1e-310, LATER, 3),
        Metric("odd", -0.1, LATER, -5),
        Metric("last is nan", 5.0, LATER, 1),
        Metric("last is nan", float("nan"), LATER, 2),
        Metric("several at a step", 1.0, LATER, 3),
        Metric("several at a step", 2.0, LATER, 3),
        Metric("several at a step", 2.0, LATER + 1, 3),
        Metric("several at a step", 0.1 + 0.2, LATER - 7, 3),
        Metric("val/accuracy", 0.75, LATER, 9_007_199_254_740_993),
        Metric("été.a-b c", 3, LATER, 0),
    ]
    client.log_batch(run_id, metrics=odd)
    client.log_batch(run_id, params=[Param(f"p{i}", str(i)) for i in range(60)] + [Param("empty", ""), Param("multi", "a\nb\r\nc\n"), Param("path/like", "x"), Param("long", "v" * 500), Param("été", "日本 語 \t tab")])
    client.log_batch(run_id, tags=[RunTag("t", "1"), RunTag("json", json.dumps({"a": [1, "é"]})), RunTag("with space", " padded "), RunTag("lines", "a\n\nb\n")])
    files(run_id)
    model_files(run_id, "model")
    store.log_inputs(run_id, [dataset("people", "abc123", "training"), dataset("people", "def456", "eval", None), dataset("plain", "x", None)])
    client.set_terminated(run_id, "FINISHED", LATER + 99_999)
    return run_id


def other_runs(experiment, parent):
    child = client.create_run(experiment, run_name="child", start_time=LATER + 2, tags={"mlflow.parentRunId": parent}).info.run_id
    client.log_metric(child, "loss", 0.5, timestamp=LATER, step=1)
    store.log_inputs(child, [dataset("people", "abc123", "test")])
    client.set_terminated(child, "FAILED", LATER + 3)
    grandchild = client.create_run(experiment, run_name="grandchild", start_time=LATER + 4, tags={"mlflow.parentRunId": child}).info.run_id
    client.set_terminated(grandchild, "KILLED", LATER + 5)
    running = client.create_run(experiment, run_name="still going", start_time=LATER + 6).info.run_id
    client.log_metric(running, "loss", 0.25, timestamp=LATER, step=1)
    deleted = client.create_run(experiment, run_name="deleted run", start_time=LATER + 7).info.run_id
    client.log_metric(deleted, "loss", 7.0, timestamp=LATER, step=1)
    client.log_param(deleted, "kept", "yes")
    client.log_text(deleted, "still here", "note.txt")
    client.set_terminated(deleted, "FINISHED", LATER + 8)
    client.delete_run(deleted)
    for i in range(12):
        run = client.create_run(experiment, run_name=f"small {i}", start_time=LATER + 100 + i).info.run_id
        client.log_metric(run, "loss", i / 10, timestamp=LATER + i, step=i)
        client.log_param(run, "i", i)
        client.set_terminated(run, "FINISHED", LATER + 200 + i)


def logged_models(experiment, run_id):
    if not hasattr(client, "create_logged_model"):
        return None
    from mlflow.entities import LoggedModelInput, LoggedModelOutput

    made = client.create_logged_model(experiment, name="forest", source_run_id=run_id, model_type="agent", params={"depth": "3", "long": "w" * 300}, tags={"colour": "green", "lines": "a\nb"})
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "MLmodel"), "w") as file:
            file.write(f"flavors:\n  python_function:\n    loader_module: mine\nmodel_id: {made.model_id}\n")
        os.mkdir(os.path.join(folder, "data"))
        with open(os.path.join(folder, "data", "weights é.bin"), "wb") as file:
            file.write(b"\x07" * 4000)
        client.log_model_artifacts(made.model_id, folder)
    client.finalize_logged_model(made.model_id, "READY")
    child = client.create_run(experiment, run_name="measures the model", start_time=LATER + 50).info.run_id
    # Step 0: MLflow's own reader of a file store forgets the step of a point that names a dataset.
    client.log_metric(child, "auc", 0.9, timestamp=LATER, step=0, model_id=made.model_id, dataset_name="people", dataset_digest="abc123")
    client.log_metric(child, "auc", 0.91, timestamp=LATER + 1, step=2, model_id=made.model_id)
    client.log_metric(child, "bad", float("nan"), timestamp=LATER + 1, step=2, model_id=made.model_id)
    store.log_outputs(child, [LoggedModelOutput(made.model_id, 2)])
    store.log_inputs(child, [dataset("people", "abc123", "eval")], [LoggedModelInput(made.model_id)])
    client.set_terminated(child, "FINISHED", LATER + 60)
    pending = client.create_logged_model(experiment, name="never ready", source_run_id=run_id)
    failed = client.create_logged_model(experiment, name="failed")
    client.finalize_logged_model(failed.model_id, "FAILED")
    lost = client.create_logged_model(experiment, name="thrown away", tags={"a": "b"})
    client.delete_logged_model(lost.model_id)
    assert pending.model_id
    return made


def registry(run_id, logged):
    run_source = f"{client.get_run(run_id).info.artifact_uri}/model"
    client.create_registered_model("flood", tags={"team": "earth", "lines": "a\nb"}, description="Finds *floods*.\nSecond line é")
    for i in range(4):
        client.create_model_version("flood", run_source, run_id, tags={"i": str(i)}, description=f"number {i}", run_link="https://example.org/run" if i == 0 else None)
    client.transition_model_version_stage("flood", "1", "Archived")
    client.transition_model_version_stage("flood", "2", "Production")
    client.transition_model_version_stage("flood", "4", "Staging")
    client.delete_model_version("flood", "3")
    client.set_registered_model_alias("flood", "champion", "2")
    client.set_registered_model_alias("flood", "challenger", "4")
    client.set_registered_model_alias("flood", "second-name", "2")
    client.create_registered_model("no versions é")
    client.create_registered_model("elsewhere")
    client.create_model_version("elsewhere", "s3://bucket/models/one", None)
    if logged is not None:
        client.create_registered_model("logged")
        client.create_model_version("logged", f"models:/{logged.model_id}", run_id, model_id=logged.model_id)


experiment = experiments()
run_id = rich_run(experiment)
other_runs(experiment, run_id)
registry(run_id, logged_models(experiment, run_id))
print(json.dumps({"version": mlflow.__version__, "rich_run": run_id}))
