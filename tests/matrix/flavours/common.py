"""What the scripts of this folder share: the life that a model has after it was trained, whatever its flavour.

Each script is a stock client's user: it trains, lets autolog log, logs the model by hand, registers it, and loads it back.
It prints one JSON object: what the tests compare. Usage: FLAVOUR.py NAME, with the tracking server in the environment.
"""

import json
import logging
import sys
import warnings

warnings.filterwarnings("ignore")
import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient

logging.getLogger("mlflow").setLevel(logging.ERROR)
MAJOR = int(mlflow.__version__.split(".")[0])
NAME = sys.argv[1]

# A straight line with a bend: enough for each library to learn something, the same for all.
X = np.array([[float(i % 17), float(i % 5), float(i)] for i in range(120)], dtype=np.float32)
Y = (X[:, 0] * 0.5 - X[:, 1] + np.maximum(0, X[:, 2] - 60) * 0.1).astype(np.float32)
LABELS = (Y > 1).astype(int)
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])


def where(name: str) -> dict[str, str]:
    """The argument of log_model that says where: 3.x gives models a name, 2.x a folder of the run."""
    return {"name": name} if MAJOR >= 3 else {"artifact_path": name}


def flat(prediction) -> np.ndarray:
    if isinstance(prediction, dict):
        prediction = next(iter(prediction.values()))
    if hasattr(prediction, "detach"):
        prediction = prediction.detach()
    return np.asarray(prediction, dtype=np.float64).reshape(-1)


def same(left, right) -> bool:
    return flat(left).shape == flat(right).shape and bool(np.allclose(flat(left), flat(right), rtol=1e-5, atol=1e-5))


def autologged(history: str | None = None) -> dict:
    """What autolog left of the last run: counts and, of one metric, how many points."""
    client = MlflowClient()
    run = mlflow.last_active_run()
    back = client.get_run(run.info.run_id)
    return {
        "status": back.info.status,
        "params": len(back.data.params) > 0,
        "metrics": len(back.data.metrics) > 0,
        "points": None if history is None else len(client.get_metric_history(run.info.run_id, history)),
    }


def loads_equal(uri: str, load, predict, data, expected) -> bool:
    """Whether the model behind a URI predicts the same, loaded by its own library and as a Python function."""
    return same(predict(load(uri)), expected) and same(mlflow.pyfunc.load_model(uri).predict(data), expected)


def life(log, load, predict, data, expected) -> dict:
    """Logs a model by hand, registers it, gives it an alias and loads it back in each way that users write.

    log(**where) logs it in the active run; load(uri) loads it with its own library; predict(model) predicts `data` with it.
    """
    client = MlflowClient()
    model = f"{NAME}-model"
    with mlflow.start_run(run_name="by hand") as run:
        logged = log(**where("model"), registered_model_name=model)
    client.set_registered_model_alias(model, "champion", "1")
    uris = {
        "runs": f"runs:/{run.info.run_id}/model",
        "version": f"models:/{model}/1",
        "alias": f"models:/{model}@champion",
        "latest": f"models:/{model}/latest",
        "uri": logged.model_uri,
    }
    version = client.get_model_version_by_alias(model, "champion")
    return {
        "equal": {way: loads_equal(uri, load, predict, data, expected) for way, uri in uris.items()},
        "version": [str(version.version), version.run_id == run.info.run_id, version.status],
    }


def report(flavour: str, **found) -> None:
    print(json.dumps({"flavour": flavour, "mlflow": mlflow.__version__, **found}))


mlflow.set_experiment(NAME)
