"""Serve one MLflow model to the program that started this one: a JSON object a line on stdin, an answer a line on stdout.

    python server.py MODEL_FOLDER COLUMNS_JSON

COLUMNS_JSON: {"layout": "frame" | "matrix", "columns": [{"name": …, "type": …}, …]} in MLflow's names of types.
First line out: {"ready": true, "classes": [...] | null}. Then {"id": 1, "columns": [[value of each row], …]} brings
{"id": 1, "values": [...], "scores": [[...], …] | null} or {"id": 1, "error": "…"}. Ends when stdin does.
"""

import base64
import json
import math
import os
import queue
import sys
import threading

# What the model prints must not mix with the answers: they keep the real stdout, everybody else gets stderr.
ANSWERS = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

import mlflow.pyfunc  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

DTYPES = {"long": "int64", "integer": "int32", "double": "float64", "float": "float32", "boolean": "bool"}


def answer(message: dict) -> None:
    ANSWERS.write(json.dumps(message, allow_nan=False) + "\n")
    ANSWERS.flush()


def plain(value):
    """The value as JSON can say it: NumPy's numbers as Python's, what is not finite as null, times as ISO text."""
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 2**53 else str(value)
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if value is pd.NaT or value is pd.NA:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def series(kind: str, values: list) -> pd.Series:
    if kind == "datetime":
        return pd.Series(pd.to_datetime(values))
    if kind == "binary":
        return pd.Series([None if value is None else base64.b64decode(value) for value in values], dtype=object)
    dtype = DTYPES.get(kind, "object")
    # Whole numbers and truth values with gaps: pandas' way of saying so is a fraction or an object.
    if None in values and kind in ("long", "integer"):
        dtype = "float64"
    if None in values and kind == "boolean":
        dtype = "object"
    return pd.Series(values, dtype=dtype)


def table(signature: dict, columns: list):
    """The rows as the model knows them: a data frame by the signature's names and types, or one array."""
    described = signature["columns"]
    made = [series(column["type"], values) for column, values in zip(described, columns, strict=True)]
    if signature["layout"] == "matrix":
        return np.column_stack([column.to_numpy() for column in made])
    return pd.DataFrame({column["name"]: values for column, values in zip(described, made, strict=True)})


def rows_of(predicted, count: int) -> list:
    """One value a row, whatever the flavor returns."""
    if isinstance(predicted, pd.DataFrame):
        single = predicted.shape[1] == 1
        values = predicted.iloc[:, 0].tolist() if single else predicted.to_dict(orient="records")
    elif isinstance(predicted, pd.Series):
        values = predicted.tolist()
    elif isinstance(predicted, np.ndarray):
        values = list(predicted.reshape(count) if predicted.size == count else predicted)
    elif isinstance(predicted, dict):
        names = list(predicted)
        values = [dict(zip(names, row, strict=True)) for row in zip(*(list(predicted[name]) for name in names), strict=True)]
    else:
        values = list(predicted)
    if len(values) != count:
        raise ValueError(f"the model gave {len(values)} predictions for {count} rows")
    return [plain(value) for value in values]


def scorer(model) -> tuple:
    """The model inside, when its flavor gives probabilities, and the classes they are for; else None twice."""
    try:
        raw = model.get_raw_model()
    except Exception:  # noqa: BLE001: a flavor without a model inside says so in its own way
        return None, None
    classes = getattr(raw, "classes_", None) if hasattr(raw, "predict_proba") else None
    # Several targets at once have several lists of classes: no single table of scores.
    return (None, None) if classes is None or isinstance(classes, list) or np.ndim(classes) != 1 else (raw, classes)


def read_requests(requests: queue.SimpleQueue) -> None:
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)  # the server is gone: nobody waits for what is being computed


def main() -> None:
    folder, signature = sys.argv[1], json.loads(sys.argv[2])
    requests: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=read_requests, args=(requests,), daemon=True).start()
    model = mlflow.pyfunc.load_model(folder)
    raw, classes = scorer(model)
    answer({"ready": True, "classes": None if classes is None else [plain(label) for label in classes]})
    while True:
        request = json.loads(requests.get())
        try:
            count = len(request["columns"][0])
            data = table(signature, request["columns"])
            values = rows_of(model.predict(data), count)
            scores = None if classes is None else [plain(row) for row in np.asarray(raw.predict_proba(data))]
            answer({"id": request["id"], "values": values, "scores": scores})
        except Exception as error:  # noqa: BLE001: whatever the model raises belongs to the caller
            text = str(error).strip() or type(error).__name__
            answer({"id": request["id"], "error": text[:2000]})


if __name__ == "__main__":
    main()
