"""scikit-learn: autolog with its model, and the life of a model."""

import mlflow
from common import FRAME, LABELS, autologged, life, loads_equal, report
from sklearn.linear_model import LogisticRegression

mlflow.sklearn.autolog()
model = LogisticRegression(max_iter=500).fit(FRAME, LABELS)
found = autologged()
run_id = mlflow.last_active_run().info.run_id
mlflow.sklearn.autolog(disable=True)
expected = model.predict(FRAME)
predict = lambda one: one.predict(FRAME)
found["model"] = loads_equal(f"runs:/{run_id}/model", mlflow.sklearn.load_model, predict, FRAME, expected)
lived = life(
    lambda **at: mlflow.sklearn.log_model(model, input_example=FRAME.head(3), **at),
    mlflow.sklearn.load_model,
    predict,
    FRAME,
    expected,
)
report("sklearn", autolog=found, **lived)
