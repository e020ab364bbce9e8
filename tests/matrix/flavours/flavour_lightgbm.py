"""LightGBM: autolog of its native training, and the life of a model."""

import lightgbm
import mlflow
from common import FRAME, LABELS, autologged, life, loads_equal, report

mlflow.lightgbm.autolog()
data = lightgbm.Dataset(FRAME, label=LABELS)
settings = {"objective": "binary", "num_leaves": 7, "num_threads": 1, "verbose": -1, "seed": 0}
model = lightgbm.train(settings, data, num_boost_round=7, valid_sets=[data], valid_names=["train"])
found = autologged("train-binary_logloss")
run_id = mlflow.last_active_run().info.run_id
mlflow.lightgbm.autolog(disable=True)
expected = model.predict(FRAME)
predict = lambda one: one.predict(FRAME)
found["model"] = loads_equal(f"runs:/{run_id}/model", mlflow.lightgbm.load_model, predict, FRAME, expected)
lived = life(
    lambda **at: mlflow.lightgbm.log_model(model, input_example=FRAME.head(3), **at),
    mlflow.lightgbm.load_model,
    predict,
    FRAME,
    expected,
)
report("lightgbm", autolog=found, **lived)
