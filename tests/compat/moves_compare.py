"""Reads two stores with the stock client and compares everything that it shows of them: usage moves_compare.py A B.

Prints one JSON object: `differences` (path, what A says, what B says), `misplaced` runs, and how much was compared. Where files lie is not
compared, as an import gives them a new place; which files there are, and every byte of them, is.
"""

import hashlib
import json
import math
import os
import re
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
import mlflow
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient

MAX = sys.float_info.max
PAGE = 500
counts = {"experiments": 0, "runs": 0, "points": 0, "files": 0, "logged_models": 0, "registered_models": 0, "versions": 0}
# Runs that say they are in another experiment than the one they are found in.
misplaced = []


def number(value):
    """SQL stores keep infinity as the greatest number; NaN equals NaN here."""
    if math.isnan(value):
        return "nan"
    return min(max(value, -MAX), MAX)


def paged(ask):
    token = None
    while True:
        page = ask(token)
        yield from page
        token = page.token
        if not token:
            return


def place(uri):
    """A source without the store that it lies in: `<run or model id>/artifacts/<path>`."""
    found = re.search(r"(m-)?[0-9a-f]{32}/artifacts(/.*)?$", uri or "")
    return found.group(0) if found else uri


def files(uri, folder):
    """SHA-256 of every file below an artifact root."""
    try:
        local = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder)
    except Exception as error:  # nothing was ever logged there: some stores have no folder then
        return {} if no_files(uri) else {"error": str(error)[:300]}
    found = {}
    for root, _, names in os.walk(local):
        for name in names:
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, local)] = hashlib.sha256(file.read()).hexdigest()
    counts["files"] += len(found)
    return found


def no_files(uri):
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    try:
        return get_artifact_repository(uri).list_artifacts() == []
    except Exception:
        return False


def pairs(values):
    return dict(sorted(values.items()))


def run_of(client, run, experiment_id):
    info, data = run.info, run.data
    counts["runs"] += 1
    if info.experiment_id != experiment_id:
        misplaced.append([info.run_id, info.experiment_id, experiment_id])
    history = {}
    for key in data.metrics:
        points = sorted({(p.step, p.timestamp, number(p.value)) for p in client.get_metric_history(info.run_id, key)}, key=str)
        counts["points"] += len(points)
        history[key] = [list(point) for point in points]
    inputs = getattr(run, "inputs", None)
    outputs = getattr(run, "outputs", None)
    with tempfile.TemporaryDirectory() as folder:
        artifacts = files(info.artifact_uri, folder)
    return {
        "experiment_id": experiment_id,
        "name": info.run_name,
        "user": info.user_id or "",
        "status": info.status,
        "start": info.start_time,
        "end": info.end_time,
        "lifecycle": info.lifecycle_stage,
        "params": pairs(data.params),
        "tags": pairs(data.tags),
        "latest": {key: number(value) for key, value in sorted(data.metrics.items())},
        "history": history,
        "inputs": sorted(
            [
                [i.dataset.name, i.dataset.digest, i.dataset.source_type, i.dataset.source, i.dataset.schema or "", i.dataset.profile or "", sorted([t.key, t.value] for t in i.tags)]
                for i in (inputs.dataset_inputs if inputs else [])
            ]
        ),
        "input_models": sorted(m.model_id for m in (getattr(inputs, "model_inputs", None) or [])),
        "output_models": sorted([m.model_id, m.step] for m in (getattr(outputs, "model_outputs", None) or [])),
        "files": artifacts,
    }


def model_of(model):
    counts["logged_models"] += 1
    with tempfile.TemporaryDirectory() as folder:
        artifacts = files(model.artifact_location, folder)
    return {
        "experiment_id": model.experiment_id,
        "name": model.name,
        "type": model.model_type or "",
        "run": model.source_run_id or "",
        "status": str(model.status),
        "created": model.creation_timestamp,
        "updated": model.last_updated_timestamp,
        "params": pairs(model.params),
        "tags": pairs(model.tags),
        "metrics": sorted([m.key, m.step, m.timestamp, number(m.value), m.run_id, m.dataset_name or "", m.dataset_digest or ""] for m in (model.metrics or [])),
        "files": artifacts,
    }


def version_of(version):
    counts["versions"] += 1
    return {
        "created": version.creation_timestamp,
        "updated": version.last_updated_timestamp,
        "stage": version.current_stage,
        "description": version.description or "",
        "source": place(version.source),
        "run": version.run_id or "",
        "run_link": version.run_link or "",
        "status": str(version.status),
        "tags": pairs(version.tags),
        "aliases": sorted(getattr(version, "aliases", [])),
        # SQL stores do not keep it: it is what the source says.
        "model": getattr(version, "model_id", None) or (re.findall(r"^models:/+(m-[0-9a-f]{32})$", version.source) or [""])[0],
    }


def store(uri):
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = MlflowClient(uri, uri)
    found = {"experiments": {}, "runs": {}, "logged_models": {}, "registered_models": {}}
    experiments = list(paged(lambda token: client.search_experiments(ViewType.ALL, max_results=PAGE, page_token=token)))
    for experiment in experiments:
        counts["experiments"] += 1
        found["experiments"][experiment.experiment_id] = {
            "name": experiment.name,
            "lifecycle": experiment.lifecycle_stage,
            "created": experiment.creation_time,
            "updated": experiment.last_update_time,
            "tags": pairs(experiment.tags),
        }
        ids = [experiment.experiment_id]
        for run in paged(lambda token: client.search_runs(ids, run_view_type=ViewType.ALL, max_results=PAGE, page_token=token)):
            found["runs"][run.info.run_id] = run_of(client, client.get_run(run.info.run_id), experiment.experiment_id)
        if hasattr(client, "search_logged_models"):
            for model in paged(lambda token: client.search_logged_models(ids, max_results=50, page_token=token)):
                found["logged_models"][model.model_id] = model_of(model)
    for model in paged(lambda token: client.search_registered_models(max_results=100, page_token=token)):
        counts["registered_models"] += 1
        versions = client.search_model_versions(f"name = '{model.name}'", max_results=1000)
        found["registered_models"][model.name] = {
            "created": model.creation_timestamp,
            "updated": model.last_updated_timestamp,
            "description": model.description or "",
            "tags": pairs(model.tags),
            "aliases": {key: str(value) for key, value in pairs(client.get_registered_model(model.name).aliases).items()},
            "versions": {str(v.version): version_of(client.get_model_version(model.name, v.version)) for v in versions},
        }
    return found


def differences(a, b, path=""):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted({*a, *b}, key=str):
            yield from differences(a.get(key, "(nothing)"), b.get(key, "(nothing)"), f"{path}/{key}")
    elif a != b:
        yield [path, str(a)[:300], str(b)[:300]]


def main():
    a, b = store(sys.argv[1]), store(sys.argv[2])
    found = list(differences(a, b))
    print(json.dumps({"version": mlflow.__version__, "differences": found[:100], "count": len(found), "compared": counts, "misplaced": misplaced[:10]}))


main()
