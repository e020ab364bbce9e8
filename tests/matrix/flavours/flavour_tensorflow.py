"""TensorFlow: autolog of a Keras model's fit by `mlflow.tensorflow`, and the life of a plain `tf.Module`."""

import mlflow
import tensorflow as tf
from common import X, Y, autologged, life, loads_equal, report

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.random.set_seed(0)
mlflow.tensorflow.autolog()
net = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(8, activation="relu"), tf.keras.layers.Dense(1)])
net.compile(optimizer="adam", loss="mse")
net.fit(X, Y, epochs=3, batch_size=40, verbose=0)
found = autologged("loss")
run_id = mlflow.last_active_run().info.run_id
mlflow.tensorflow.autolog(disable=True)
predict_net = lambda one: one.predict(X, verbose=0)
found["model"] = loads_equal(f"runs:/{run_id}/model", mlflow.tensorflow.load_model, predict_net, X, predict_net(net))


class Line(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable([[0.5], [-1.0], [0.1]], dtype=tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    def __call__(self, x):
        return {"y": tf.matmul(x, self.w)}


line = Line()
expected = line(tf.constant(X))
signature = mlflow.models.infer_signature(X, {"y": expected["y"].numpy()})
lived = life(
    lambda **at: mlflow.tensorflow.log_model(line, signature=signature, **at),
    mlflow.tensorflow.load_model,
    lambda one: one(tf.constant(X)),
    X,
    expected,
)
report("tensorflow", autolog=found, **lived)
