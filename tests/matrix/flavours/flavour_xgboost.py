"""XGBoost: autolog of its native training, and the life of a model."""

import mlflow
import xgboost
from common import FRAME, LABELS, autologged, life, loads_equal, report

mlflow.xgboost.autolog()
data = xgboost.DMatrix(FRAME, label=LABELS)
settings = {"objective": "binary:logistic", "max_depth": 3, "nthread": 1, "seed": 0}
model = xgboost.train(settings, data, num_boost_round=7, evals=[(data, "train")], verbose_eval=False)
found = autologged("train-logloss")
run_id = mlflow.last_active_run().info.run_id
mlflow.xgboost.autolog(disable=True)
expected = model.predict(data)
predict = lambda one: one.predict(data)
found["model"] = loads_equal(f"runs:/{run_id}/model", mlflow.xgboost.load_model, predict, FRAME, expected)
lived = life(
    lambda **at: mlflow.xgboost.log_model(model, input_example=FRAME.head(3), **at),
    mlflow.xgboost.load_model,
    predict,
    FRAME,
    expected,
)
report("xgboost", autolog=found, **lived)
