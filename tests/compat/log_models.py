"""Trains small models, most of them on rows with text columns, and registers them with the MLflow client."""

import json
import sys

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC

REQUIREMENTS = sys.argv[1].split(",")
TREES = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]

random = np.random.default_rng(0)
rows = pd.DataFrame(
    {
        "age": random.integers(17, 90, 2000),
        "hours (week)": random.normal(40, 10, 2000),
        "work": random.choice(["private", "public", "none"], 2000),
    }
)
score = rows.age / 40 + rows["hours (week)"] / 40 - (rows.work == "none") * 2 + random.normal(0, 0.3, 2000)
truth = np.where(score > 2, ">50K", "<=50K")


def columns(encoder):
    return ColumnTransformer([("text", encoder, ["work"]), ("numbers", "passthrough", ["age", "hours (week)"])])


numbers = rows[["age", "hours (week)"]]
models = {
    "logistic": (Pipeline([("c", columns(OneHotEncoder(handle_unknown="ignore"))), ("m", LogisticRegression(max_iter=2000))]), rows, truth),
    "hist": (Pipeline([("c", columns(OrdinalEncoder())), ("m", HistGradientBoostingClassifier(max_iter=20))]), rows, truth),
    "regressor": (Pipeline([("c", columns(OrdinalEncoder())), ("m", GradientBoostingRegressor(n_estimators=20))]), rows, score),
    "svc": (Pipeline([("s", StandardScaler()), ("m", SVC())]), numbers, truth),
    "linear": (Pipeline([("s", StandardScaler()), ("m", LinearSVC())]), numbers, truth),
}
runs = {}
for name, (model, inputs, target) in models.items():
    model.fit(inputs, target)
    with mlflow.start_run() as run:
        mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(inputs.head(50), target[:50]),
            input_example=inputs.head(4),
            skops_trusted_types=["sklearn.tree._tree.Tree", *TREES],
            pip_requirements=REQUIREMENTS,
            registered_model_name=name,
        )
    runs[name] = run.info.run_id
ask = rows.tail(3)
expected = models["logistic"][0].predict_proba(ask).tolist()
labels = {name: models[name][0].predict(numbers.tail(3)).tolist() for name in ("svc", "linear")}
print(json.dumps({"runs": runs, "test": rows.tail(500).to_csv(index=False), "ask": ask.to_dict("records"), "expected": expected, "labels": labels}))
