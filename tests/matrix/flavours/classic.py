"""The classic life of a model at each door of the server: usage classic.py NAME DOORS, the doors as JSON
`[{"uri": …, "username": …, "password": …, "token": …}]`. Prints one JSON object with a list: what it saw at each."""

import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")
import mlflow
import numpy as np
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

MAJOR = int(mlflow.__version__.split(".")[0])
CREDENTIALS = {"username": "MLFLOW_TRACKING_USERNAME", "password": "MLFLOW_TRACKING_PASSWORD", "token": "MLFLOW_TRACKING_TOKEN"}
x = np.array([[float(i), float(i % 7)] for i in range(200)])
y = (x[:, 0] > 90).astype(int)


def live(experiment: str) -> dict:
    client = MlflowClient()
    mlflow.set_experiment(experiment)
    mlflow.sklearn.autolog(log_models=False)
    with mlflow.start_run(run_name="classic") as run:
        model = LogisticRegression(max_iter=500).fit(x, y)
        mlflow.log_param("by_hand", "yes")
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_dict({"a": 1}, "config.json")
        where = {"name": "model"} if MAJOR >= 3 else {"artifact_path": "model"}
        # Named, so that the client does not start a Python to find them out: that is the flavours' part.
        mlflow.sklearn.log_model(
            model, registered_model_name=f"{experiment}-model", pip_requirements=["scikit-learn"], **where
        )
    name = f"{experiment}-model"
    client.set_registered_model_alias(name, "champion", "1")
    loaded = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    by_run = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/model")
    found = mlflow.search_runs(
        experiment_names=[experiment], filter_string="metrics.loss < 0.5 and params.by_hand = 'yes'"
    )
    back = client.get_run(run.info.run_id)
    return {
        "status": back.info.status,
        "name": back.info.run_name,
        "loss": back.data.metrics["loss"],
        "history": [point.step for point in client.get_metric_history(run.info.run_id, "loss")],
        "autologged": back.data.params["max_iter"],
        "equal": [bool((one.predict(x) == model.predict(x)).all()) for one in (loaded, by_run)],
        "config": mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/config.json"),
        "found": len(found),
        "models": [found_model.name for found_model in client.search_registered_models(f"name = '{name}'")],
    }


seen = []
for index, door in enumerate(json.loads(sys.argv[2])):
    for key, variable in CREDENTIALS.items():
        os.environ.pop(variable, None)
        if door.get(key):
            os.environ[variable] = door[key]
    mlflow.set_tracking_uri(door["uri"])
    seen.append(live(f"{sys.argv[1]}-{index}"))
print(json.dumps({"mlflow": mlflow.__version__, "doors": seen}))
