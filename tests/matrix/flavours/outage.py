"""A training script that knows nothing of outages: usage outage.py NAME STEPS. Prints each step that is logged, then JSON."""

import json
import sys
import warnings

warnings.filterwarnings("ignore")
import mlflow
from mlflow import MlflowClient

name, steps = sys.argv[1], int(sys.argv[2])
experiment = mlflow.set_experiment(name)
with mlflow.start_run(run_name="training") as run:
    for step in range(steps):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"accuracy": step / steps, "f1": step / (2 * steps)}, step=step)
        mlflow.log_param(f"p{step}", step)
        mlflow.set_tag("step", step)
        mlflow.log_text(f"text of {step}" * 1_000, f"notes/{step}.txt")
        print(f"step {step}", flush=True)

client = MlflowClient()
back = client.get_run(run.info.run_id)
points = client.get_metric_history(run.info.run_id, "loss")
texts = [mlflow.artifacts.load_text(f"{run.info.artifact_uri}/notes/{step}.txt") for step in range(steps)]
print(
    json.dumps(
        {
            "mlflow": mlflow.__version__,
            "status": back.info.status,
            "loss": [point.step for point in points] == list(range(steps)),
            "values": all(point.value == 1 / (point.step + 1) for point in points),
            "others": [len(client.get_metric_history(run.info.run_id, key)) for key in ("accuracy", "f1")],
            "params": sum(back.data.params[f"p{step}"] == str(step) for step in range(steps)),
            "tag": back.data.tags["step"],
            "texts": sum(text == f"text of {step}" * 1_000 for step, text in enumerate(texts)),
            "runs": len(client.search_runs([experiment.experiment_id])),
        }
    )
)
