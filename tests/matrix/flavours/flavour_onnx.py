"""ONNX: no training, so no autolog; the life of a model that was converted from scikit-learn."""

import mlflow
import onnxruntime
from common import X, Y, life, report
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression

model = to_onnx(LinearRegression().fit(X, Y), X[:1], target_opset=15)


def predict(one):
    session = onnxruntime.InferenceSession(one.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: X})[0]


lived = life(
    lambda **at: mlflow.onnx.log_model(model, signature=mlflow.models.infer_signature(X, predict(model)), **at),
    mlflow.onnx.load_model,
    predict,
    X,
    predict(model),
)
report("onnx", autolog=None, **lived)
