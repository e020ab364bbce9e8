"""Evaluates a classifier and a regressor with MLflow's default evaluators, old or new; prints what it saw as JSON."""

import json
import sys
import warnings

import mlflow
import numpy as np
import pandas as pd
from mlflow.metrics import MetricValue, make_metric
from sklearn.linear_model import LinearRegression, LogisticRegression

warnings.filterwarnings("ignore")
client = mlflow.MlflowClient()
evaluate = getattr(mlflow, "evaluate", None) or mlflow.models.evaluate
seen = {}


def own_metric(predictions, targets, metrics):
    """A metric of one's own, with a value for each row: these make the table of results."""
    scores = [float(abs(a - b)) for a, b in zip(predictions, targets)]
    return MetricValue(scores=scores, aggregate_results={"worst": max(scores)})


def evaluated(kind, model, rows, truth):
    """What the client says and what the server kept."""
    model.fit(rows, truth)
    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(
            model, "model", input_example=rows.head(2), pip_requirements=["mlflow", "scikit-learn"]
        )
        result = evaluate(
            info.model_uri,
            rows.assign(truth=truth),
            targets="truth",
            model_type=kind,
            evaluators="default",
            evaluator_config={"log_model_explainability": False},
            extra_metrics=[make_metric(eval_fn=own_metric, greater_is_better=False, name="own")],
        )
    kept = client.get_run(run.info.run_id)
    table = mlflow.load_table("eval_results_table.json", run_ids=[run.info.run_id])
    return {
        "same": all(abs(kept.data.metrics[key] - value) < 1e-9 for key, value in result.metrics.items()),
        "metrics": sorted(set(kept.data.metrics) & {"accuracy_score", "roc_auc", "r2_score", "own/worst"}),
        "artifacts": sorted(result.artifacts),
        "files": sorted(entry.path for entry in client.list_artifacts(run.info.run_id) if not entry.is_dir),
        "table": [len(table), "own/score" in table.columns],
        "datasets": len(kept.inputs.dataset_inputs),
    }


if __name__ == "__main__":
    mlflow.set_experiment(sys.argv[1])
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=120), "b": random.normal(size=120)})
    seen["classifier"] = evaluated("classifier", LogisticRegression(), frame, (frame.a > 0).astype(int))
    seen["regressor"] = evaluated("regressor", LinearRegression(), frame, frame.a * 2 + frame.b)
    print(json.dumps(seen))
