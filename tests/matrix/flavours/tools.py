"""The command line of the client and what it starts: evaluate, `mlflow run`, `mlflow models serve`, `mlflow artifacts`.

Usage: tools.py NAME FOLDER PORT, with the tracking server in the environment. Prints one JSON object.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import mlflow
import numpy as np
from common import FRAME, LABELS, NAME, Y, where
from mlflow import MlflowClient
from sklearn.linear_model import LinearRegression, LogisticRegression

folder, port = Path(sys.argv[2]), sys.argv[3]
client = MlflowClient()
# Named, so that the client does not start a Python to find them out: that is the flavours' part.
NEEDS = {"pip_requirements": ["scikit-learn"]}


def cli(*args: str) -> str:
    # As from a shell: set_experiment left its experiment in this process's environment. And bash reads ~/.bashrc, which may
    # put another Python first, when its standard input is a socket, as that of a child of Node is.
    env = {key: value for key, value in os.environ.items() if key not in ("MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID")}
    done = subprocess.run([sys.executable, "-m", "mlflow", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env)
    if done.returncode != 0:
        raise RuntimeError(f"mlflow {' '.join(args)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def evaluations() -> dict:
    """`evaluate` of a logged model, for both kinds that it knows metrics for; its metrics and plots are on the run."""
    evaluate = getattr(mlflow.models, "evaluate", None) or mlflow.evaluate
    found = {}
    for kind, model, target in (
        ("classifier", LogisticRegression(max_iter=500), LABELS),
        ("regressor", LinearRegression(), Y.astype(float)),
    ):
        data = FRAME.assign(target=target)
        with mlflow.start_run(run_name=f"evaluate {kind}") as run:
            signature = mlflow.models.infer_signature(FRAME, model.fit(FRAME, target).predict(FRAME))
            logged = mlflow.sklearn.log_model(model, signature=signature, **NEEDS, **where("judged"))
            result = evaluate(
                logged.model_uri,
                data,
                targets="target",
                model_type=kind,
                evaluators="default",
                evaluator_config={"log_explainer": False, "log_model_explainability": False},
            )
        back = client.get_run(run.info.run_id)
        name = "accuracy_score" if kind == "classifier" else "mean_absolute_error"
        found[kind] = {
            "metric": bool(abs(back.data.metrics[name] - result.metrics[name]) < 1e-9),
            "plots": sum(item.path.endswith(".png") for item in client.list_artifacts(run.info.run_id)) > 0,
            "inputs": len(back.inputs.dataset_inputs) > 0,
        }
    return found


def project_run() -> dict:
    """`mlflow run` of a local project in this environment: the parameters, the source and the child's own logging."""
    project = folder / "project"
    project.mkdir(parents=True)
    (project / "MLproject").write_text(
        "name: tiny\nentry_points:\n  main:\n    parameters:\n      alpha: {type: float, default: 0.1}\n"
        '    command: "python train.py {alpha}"\n'
    )
    (project / "train.py").write_text(
        "import sys\nimport mlflow\nwith mlflow.start_run():\n"
        '    mlflow.log_metric("doubled", 2 * float(sys.argv[1]))\n    mlflow.log_text("done", "note.txt")\n'
    )
    cli("run", str(project), "--env-manager", "local", "-P", "alpha=0.25", "--experiment-name", NAME, "--run-name", "job")
    experiment = client.get_experiment_by_name(NAME)
    [run] = client.search_runs([experiment.experiment_id], "attributes.run_name = 'job'")
    return {
        "status": run.info.status,
        "alpha": run.data.params.get("alpha"),
        "doubled": run.data.metrics.get("doubled"),
        "entry": run.data.tags.get("mlflow.project.entryPoint"),
        "backend": run.data.tags.get("mlflow.project.backend"),
        "files": [item.path for item in client.list_artifacts(run.info.run_id)],
    }


def invocations(uri: str, expected: np.ndarray) -> dict:
    """`mlflow models serve` of a registered model: a real server of the client's, asked over HTTP."""
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", uri, "--env-manager", "local", "-h", "127.0.0.1"]
    log = folder / "serve.log"
    with log.open("w") as out:
        # A group of its own: it starts workers, and ending it must reach them.
        child = subprocess.Popen([*command, "-p", port], stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    try:
        until = time.monotonic() + 180
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5) as answer:
                    ping = answer.status
                break
            except OSError:
                if child.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"The model's server did not answer:\n{log.read_text()[-3000:]}") from None
                time.sleep(0.2)
        body = json.dumps({"dataframe_split": FRAME.to_dict(orient="split")}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            predictions = json.load(answer)["predictions"]
        return {"ping": ping, "equal": bool(np.allclose(predictions, expected))}
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, 9)
        child.wait()


def downloads(run_id: str, model: str) -> dict:
    """`mlflow artifacts download` by run, by each kind of URI, and `mlflow artifacts list`."""
    listed = json.loads(cli("artifacts", "list", "-r", run_id))
    paths = {
        "run": cli("artifacts", "download", "-r", run_id, "-a", "notes", "-d", str(folder / "by-run")),
        "runs_uri": cli("artifacts", "download", "-u", f"runs:/{run_id}/notes/a b.txt", "-d", str(folder / "by-uri")),
        "proxy_uri": cli("artifacts", "download", "-u", f"{mlflow.get_run(run_id).info.artifact_uri}/notes", "-d", str(folder / "by-proxy")),
        "model_uri": cli("artifacts", "download", "-u", f"models:/{model}/1", "-d", str(folder / "model")),
    }
    files = {way: {file.name for file in (folder / part).rglob("*") if file.is_file()} for way, part in (
        ("run", "by-run"), ("runs_uri", "by-uri"), ("proxy_uri", "by-proxy"), ("model_uri", "model"))}
    return {
        "listed": sorted(item["path"] for item in listed if item["path"] != "model"),
        "printed": all(Path(text.strip().splitlines()[-1]).exists() for text in paths.values()),
        "run": sorted(files["run"]),
        "runs_uri": sorted(files["runs_uri"]),
        "proxy_uri": sorted(files["proxy_uri"]),
        "model": "MLmodel" in files["model_uri"],
    }


evaluated = evaluations()
line = LinearRegression().fit(FRAME, Y)
served = f"{NAME}-served"
with mlflow.start_run(run_name="for the tools") as run:
    mlflow.log_text("one", "notes/a b.txt")
    mlflow.log_text("two", "notes/deep/ü.txt")
    mlflow.sklearn.log_model(line, registered_model_name=served, input_example=FRAME.head(2), **NEEDS, **where("model"))
client.set_registered_model_alias(served, "live", "1")
print(
    json.dumps(
        {
            "mlflow": mlflow.__version__,
            "evaluate": evaluated,
            "run": project_run(),
            "serve": invocations(f"models:/{served}@live", line.predict(FRAME)),
            "artifacts": downloads(run.info.run_id, served),
        }
    )
)
