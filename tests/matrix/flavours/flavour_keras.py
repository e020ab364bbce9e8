"""Keras: autolog by `mlflow.keras`, and the life of a model."""

import mlflow
import mlflow.keras
from common import X, Y, autologged, life, loads_equal, report

try:
    import keras
except ImportError:
    from tensorflow import keras

keras.utils.set_random_seed(0)
mlflow.keras.autolog()
net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)])
net.compile(optimizer="adam", loss="mse")
net.fit(X, Y, epochs=4, batch_size=40, verbose=0)
found = autologged("loss")
run_id = mlflow.last_active_run().info.run_id
mlflow.keras.autolog(disable=True)
predict = lambda one: one.predict(X, verbose=0)
expected = predict(net)
found["model"] = loads_equal(f"runs:/{run_id}/model", mlflow.keras.load_model, predict, X, expected)
signature = mlflow.models.infer_signature(X, expected)
lived = life(
    lambda **at: mlflow.keras.log_model(net, signature=signature, **at), mlflow.keras.load_model, predict, X, expected
)
report("keras", autolog=found, **lived)
