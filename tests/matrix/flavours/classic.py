"""The classic life of a model with a 2.x client: usage mlflow2_client.py EXPERIMENT. Prints one JSON object."""

import json
import sys
import warnings

warnings.filterwarnings("ignore")
import mlflow
import numpy as np
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

experiment = sys.argv[1]
client = MlflowClient()
mlflow.set_experiment(experiment)
x = np.array([[float(i), float(i % 7)] for i in range(200)])
y = (x[:, 0] > 90).astype(int)

mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run(run_name="classic") as run:
    model = LogisticRegression(max_iter=500).fit(x, y)
    mlflow.log_param("by_hand", "yes")
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_dict({"a": 1}, "config.json")
    mlflow.sklearn.log_model(model, "model", input_example=x[:2], registered_model_name=f"{experiment}-model")

name = f"{experiment}-model"
client.set_registered_model_alias(name, "champion", "1")
loaded = mlflow.pyfunc.load_model(f"models:/{name}@champion")
by_run = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/model")
found = mlflow.search_runs(experiment_names=[experiment], filter_string="metrics.loss < 0.5 and params.by_hand = 'yes'")
back = client.get_run(run.info.run_id)
print(
    json.dumps(
        {
            "version": mlflow.__version__,
            "status": back.info.status,
            "name": back.info.run_name,
            "loss": back.data.metrics["loss"],
            "history": [point.step for point in client.get_metric_history(run.info.run_id, "loss")],
            "autologged": back.data.params["max_iter"],
            "equal": bool((loaded.predict(x) == model.predict(x)).all() and (by_run.predict(x) == model.predict(x)).all()),
            "files": sorted(item.path for item in client.list_artifacts(run.info.run_id) if not item.path.endswith(("png", "html"))),
            "found": len(found),
            "models": [found_model.name for found_model in client.search_registered_models(f"name = '{name}'")],
        }
    )
)
