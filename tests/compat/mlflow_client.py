"""Walks a training run from experiment to registered model with the real MLflow client, and prints what it saw as JSON."""

import json
import math
import os
import sys
import tempfile
import warnings

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")
NAME = sys.argv[1]
WHOLE = sys.argv[2] == "whole"
REQUIREMENTS = ["mlflow", "scikit-learn"]

client = mlflow.MlflowClient()
random = np.random.default_rng(0)
rows = pd.DataFrame({"age": random.integers(17, 90, 200), "hours": random.normal(40, 10, 200)})
truth = (rows.age + rows.hours > 90).astype(int)
seen = {}


def code_of(work):
    """The error code that a call ends with."""
    try:
        work()
    except MlflowException as error:
        return error.error_code
    return "no error"


def log_by_hand():
    """Every kind of value, files with awkward names, nested runs, searches."""
    experiment = mlflow.set_experiment(NAME)
    with mlflow.start_run(run_name="by hand", tags={"team": "x"}, description="why") as run:
        mlflow.log_params({f"p{i}": i for i in range(150)})
        mlflow.log_param("p0", 0)
        seen["changed_param"] = code_of(lambda: mlflow.log_param("p0", 1))
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"nan": math.nan, "inf": math.inf, "acc": 0.9})
        client.log_batch(run.info.run_id, metrics=[mlflow.entities.Metric(f"m{i}", i, 1, i) for i in range(1000)])
        mlflow.log_text("hello", "notes/a+b & 日本 [1].txt")
        mlflow.log_text("", "empty.txt")
        mlflow.log_dict({"a": 1}, "config.json")
        mlflow.log_table({"x": [1, 2]}, "table.json")
        mlflow.log_image(np.zeros((4, 4, 3), dtype=np.uint8), key="pic", step=1)
        mlflow.log_input(mlflow.data.from_pandas(rows, name="people"), context="training")
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "big.bin"), "wb") as file:
                file.write(bytes(range(256)) * 20_000)
            mlflow.log_artifacts(folder, "folder")
        with mlflow.start_run(nested=True, run_name="child"):
            mlflow.log_metric("acc", 0.1)
    run_id = run.info.run_id
    got = client.get_run(run_id)
    seen["run"] = {
        "name": got.info.run_name,
        "status": got.info.status,
        "params": len(got.data.params),
        "nan": math.isnan(got.data.metrics["nan"]),
        "inf": got.data.metrics["inf"] > 1e308,
        "loss": got.data.metrics["loss"],
        "m999": got.data.metrics["m999"],
        "note": got.data.tags["mlflow.note.content"],
        "inputs": [[i.dataset.name, i.tags[0].value] for i in got.inputs.dataset_inputs],
        "ended": got.info.end_time >= got.info.start_time > 0,
    }
    seen["history"] = [point.step for point in client.get_metric_history(run_id, "loss")]
    seen["files"] = sorted(file.path for file in client.list_artifacts(run_id))
    seen["text"] = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/notes/a+b & 日本 [1].txt")
    seen["dict"] = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/config.json")
    with tempfile.TemporaryDirectory() as folder:
        path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="folder", dst_path=folder)
        with open(os.path.join(path, "big.bin"), "rb") as file:
            seen["bytes"] = file.read() == bytes(range(256)) * 20_000
    ids = [experiment.experiment_id]
    seen["found"] = list(mlflow.search_runs(ids, "metrics.acc > 0.5", order_by=["metrics.acc DESC"]).run_id) == [run_id]
    seen["children"] = len(mlflow.search_runs(ids, f"tags.mlflow.parentRunId = '{run_id}'"))
    client.delete_run(run_id)
    seen["deleted"] = [len(mlflow.search_runs(ids)), client.get_run(run_id).info.lifecycle_stage]
    seen["write_deleted"] = code_of(lambda: client.log_metric(run_id, "a", 1))
    client.restore_run(run_id)
    seen["nobody"] = client.get_experiment_by_name(f"{NAME} none") is None
    return run_id


def train_and_register():
    """Autologging, a logged model, a registered version, an alias, and predictions by each of its names."""
    mlflow.set_experiment(f"{NAME} models")
    mlflow.sklearn.autolog(log_models=False)
    with mlflow.start_run() as run:
        model = LogisticRegression().fit(rows, truth)
        info = mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(rows, model.predict(rows)),
            pip_requirements=REQUIREMENTS,
            registered_model_name=NAME,
            params={f"k{i}": i for i in range(150)},
            serialization_format="cloudpickle",
        )
        mlflow.log_metric("test_acc", 0.75, model_id=info.model_id, dataset=mlflow.data.from_pandas(rows, name="test"))
    run_id = run.info.run_id
    got = client.get_run(run_id)
    seen["autolog"] = {
        "solver": got.data.params["solver"],
        "score": got.data.metrics["training_score"],
        "estimator": got.data.tags["estimator_name"],
        "inputs": len(got.inputs.dataset_inputs),
        "outputs": [output.model_id for output in got.outputs.model_outputs] == [info.model_id],
    }
    logged = client.get_logged_model(info.model_id)
    measured = [metric.value for metric in logged.metrics if metric.key == "test_acc"]
    # The client adds the run's own params to those of the model.
    seen["logged_model"] = [logged.name, str(logged.status), len(logged.params) >= 150, measured]
    found = mlflow.search_logged_models([got.info.experiment_id], "metrics.test_acc > 0.5", output_format="list")
    seen["logged_found"] = [model.model_id for model in found] == [info.model_id]
    client.set_registered_model_alias(NAME, "champion", 1)
    client.set_model_version_tag(NAME, "1", "checked", "yes")
    version = client.get_model_version_by_alias(NAME, "champion")
    seen["version"] = [version.version, version.run_id == run_id, version.tags["checked"], list(version.aliases)]
    expected = model.predict(rows)
    for uri in (f"models:/{NAME}@champion", f"models:/{NAME}/1", f"models:/{NAME}/latest", f"runs:/{run_id}/model", info.model_uri):
        loaded = mlflow.pyfunc.load_model(uri)
        seen.setdefault("equal", []).append(bool((loaded.predict(rows) == expected).all()))
    again = mlflow.register_model(f"runs:/{run_id}/model", NAME)
    seen["again"] = [again.version, sorted(int(v.version) for v in client.search_model_versions(f"name = '{NAME}'"))]
    seen["models"] = [model.name for model in client.search_registered_models(f"name = '{NAME}'")]
    seen["unknown_alias"] = code_of(lambda: client.get_model_version_by_alias(NAME, "none"))
    seen["unknown_model"] = code_of(lambda: client.get_registered_model(f"{NAME} none"))
    client.delete_model_version(NAME, "2")
    seen["after_delete"] = mlflow.register_model(info.model_uri, NAME).version


seen["run_id"] = log_by_hand()
if WHOLE:
    train_and_register()
print(json.dumps(seen))
