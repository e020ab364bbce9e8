"""Turn a logged model into ONNX and prove that the ONNX form answers as the original does.

Runs inside a job, in the model's own environment: `convert.py conversion.json`, where the file says

    {"flavor": "sklearn" | "onnx", "model": folder, "data": folder | null, "dataset": name | null,
     "output": folder, "max_rows": number, "signature": {"inputs": [{"name", "type", "shape"?, "dtype"?}]}}

Leaves in the output folder `model.onnx` and `report.json`, or `refused.json` with a reason for the user when the model
cannot be converted faithfully (then `report.json` too, when it came to a comparison). Anything else that goes wrong is
a crash: the job fails and its log tells.

Both forms get the same rows: those of the dataset version that the run used (a file named test.* before others, a
sample of at most `max_rows`), else the logged input example. What must hold:

* labels: the same on at least 99.9 % of the rows;
* probabilities: on at least 99.9 % of the rows every class within 0.001 of the original's;
* values of a regressor: on at least 99.9 % of the rows within 0.1 % of the original's, where values smaller than 1 % of
  the greatest are measured against that 1 %.

Not all rows, because an ONNX model computes in 32 bits: a row that lies within rounding of a tree's threshold may fall
on its other side, and says nothing about the rest. 64-bit inputs are tried when 32-bit ones do not meet the tolerance.
"""

import json
import os
import re
import shutil
import sys
import warnings
from pathlib import Path

TOLERANCE = {"label_agreement": 0.999, "probability_abs": 1e-3, "value_rel": 1e-3, "share": 0.999}
TARGET_OPSET = {"": 18, "ai.onnx.ml": 3}
# More rows than this are never read into memory; the sample comes from the first ones.
READ_ROWS = 200_000
NUMPY_TYPES = {
    "string": "object", "long": "int64", "integer": "int32", "double": "float64", "float": "float32", "boolean": "bool",
}


class Refused(Exception):
    """The model cannot be converted; the message is a sentence for the user."""


def sentence(error: BaseException, limit: int = 300) -> str:
    """The first line of a library's message and of what caused it; the rest is advice for programmers, and dumps."""
    text = " ".join((str(error).strip() or type(error).__name__).splitlines()[0].split()).split(" and attributes=")[0]
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return text if error.__cause__ is None else f"{text.rstrip('.')}: {sentence(error.__cause__)}"


# --- rows to compare on -----------------------------------------------------------------------------------------------


def data_file(folder: Path) -> Path | None:
    """The table to compare on: test.* before what sounds alike before any other."""
    tables = sorted(p for p in folder.rglob("*") if p.is_file() and re.search(r"\.(parquet|csv|csv\.gz)$", p.name))
    order = lambda p: (p.name.split(".")[0] != "test", not re.search("test|eval|valid|holdout", p.name), str(p))  # noqa: E731
    return min(tables, key=order, default=None)


def read_table(path: Path, columns: list[dict]):
    import pandas as pd

    names = [column["name"] for column in columns]
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        file = pq.ParquetFile(path)
        absent = sorted(set(names) - set(file.schema_arrow.names))
        if absent:
            raise LookupError(f"{path.name} has no column {', '.join(absent)}")
        parts, rows = [], 0
        for batch in file.iter_batches(columns=names):
            parts.append(batch.to_pandas())
            rows += len(parts[-1])
            if rows >= READ_ROWS:
                break
        return pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)
    texts = {column["name"]: str for column in columns if column["type"] == "string"}
    missing = {name: [""] for name in names if name not in texts}
    table = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=missing, nrows=READ_ROWS)
    absent = sorted(set(names) - set(table.columns))
    if absent:
        raise LookupError(f"{path.name} has no column {', '.join(absent)}")
    return table[names]


def typed(table, columns: list[dict]):
    """The table in the signature's types, without rows in which a required value is missing."""
    needed = [c["name"] for c in columns if c.get("required", True) or c["type"] not in ("double", "float")]
    table = table.dropna(subset=needed).reset_index(drop=True)
    for column in columns:
        name, kind = column["name"], column["type"]
        values = table[name]
        table[name] = values.astype(str).astype(object) if kind == "string" else values.astype(NUMPY_TYPES[kind])
    return table


def rows_to_compare(job: dict, columns: list[dict]):
    """Rows as the original takes them (a data frame, or a matrix for a tensor signature) and where they come from."""
    frame_like = columns[0]["type"] != "tensor"
    if job["data"] and frame_like:
        path = data_file(Path(job["data"]))
        try:
            if path is None:
                raise LookupError("the dataset holds no Parquet or CSV file")
            table = typed(read_table(path, columns), columns)
            if len(table) == 0:
                raise LookupError(f"{path.name} has no complete row")
            if len(table) > job["max_rows"]:
                table = table.sample(job["max_rows"], random_state=0).sort_index().reset_index(drop=True)
            return table, f"{job['dataset']}: {path.name}"
        except (LookupError, ValueError) as error:
            print(f"The dataset cannot be used to compare: {sentence(error)}. Trying the logged input example.")
    from mlflow.models import Model

    example = Model.load(job["model"]).load_input_example(job["model"])
    if example is None:
        raise Refused(
            "There are no rows to compare the ONNX form with the original on. Log the model with input_example=, or from "
            "a run that used a dataset version of this project."
        )
    return (typed(example.copy(), columns) if frame_like else matrix(example, columns[0])), "logged input example"


def matrix(example, column: dict):
    import numpy as np

    values = np.asarray(example, dtype=column["dtype"])
    return values.reshape(len(values), -1)


# --- conversion -------------------------------------------------------------------------------------------------------


def checked_columns(signature: dict | None) -> list[dict]:
    columns = (signature or {}).get("inputs") or []
    if not columns:
        raise Refused("The model was logged without a signature, so its input columns are not known. Log it with one.")
    tensors = [column for column in columns if column["type"] == "tensor"]
    if tensors:
        shape = tensors[0].get("shape") or []
        if len(columns) > 1 or len(shape) != 2 or shape[1] < 1 or not re.match("float|int|uint", tensors[0]["dtype"]):
            raise Refused("The model takes tensors other than one matrix of numbers, which is not converted for now.")
        return columns
    for column in columns:
        if column["type"] not in NUMPY_TYPES or not column["name"]:
            raise Refused(f"The input column \"{column['name']}\" of type {column['type']} has no counterpart in ONNX.")
    return columns


def initial_types(columns: list[dict], real):
    """One tensor [rows, 1] per column, or one matrix. `real`: the tensor type of 64-bit columns."""
    from skl2onnx.common import data_types as t

    if columns[0]["type"] == "tensor":
        whole = re.match("int|uint", columns[0]["dtype"]) is not None
        return [(columns[0]["name"] or "X", (t.Int64TensorType if whole else real)([None, columns[0]["shape"][1]]))]
    kinds = {
        "string": t.StringTensorType, "long": t.Int64TensorType, "integer": t.Int64TensorType,
        "boolean": t.BooleanTensorType, "float": t.FloatTensorType, "double": real,
    }
    return [(column["name"], kinds[column["type"]]([None, 1])) for column in columns]


def estimator_name(model, error: Exception) -> str:
    """The estimator at fault: the one of the model's parts that the message names, else the last step of the pipeline."""
    parts = [type(part).__name__ for part in model.get_params().values() if hasattr(part, "fit")]
    named = [name for name in sorted(set(parts), key=len, reverse=True) if name in str(error)]
    return named[0] if named else type(last_step(model)).__name__


def last_step(model):
    return last_step(model.steps[-1][1]) if hasattr(model, "steps") else model


def by_column(model, rows):
    """The model behind a step that joins columns: an estimator without a ColumnTransformer takes one matrix."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    first = model.steps[0][1] if isinstance(model, Pipeline) else model
    if rows.ndim != 2 or not hasattr(rows, "columns") or isinstance(first, ColumnTransformer) or len(rows.columns) == 1:
        return model
    join = ColumnTransformer([("all", "passthrough", list(rows.columns))]).fit(rows)
    # Not a pipeline within a pipeline: there skl2onnx asks a LinearSVC for the option of probabilities.
    return Pipeline([("columns joined", join), *(model.steps if isinstance(model, Pipeline) else [("model", model)])])


def convert(model, columns: list[dict], rows, real):
    import skl2onnx
    from sklearn.base import is_classifier

    whole = by_column(model, rows)
    # Probabilities as one matrix and not as a list of dictionaries; what gives none must not get the option at all.
    scored = is_classifier(model) and hasattr(model, "predict_proba")
    options = {id(whole): {"zipmap": False}} if scored else {id(last_step(model)): {}}
    try:
        form = skl2onnx.to_onnx(whole, initial_types=initial_types(columns, real), options=options, target_opset=TARGET_OPSET)
        if not scored:
            # Beside the prediction some give scores that the original never gave, an SVC even as dictionaries.
            del form.graph.output[1:]
        return form.SerializeToString()
    except Exception as error:  # the converter raises what comes: each is its answer about this model
        name = estimator_name(model, error)
        raise Refused(f"{name} cannot be converted to ONNX by skl2onnx {skl2onnx.__version__}: {sentence(error)}") from error


# --- comparison -------------------------------------------------------------------------------------------------------


def open_session(blob: bytes):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(blob, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Refused(f"onnxruntime {ort.__version__} cannot run the converted model: {sentence(error)}") from error


ONNX_TYPES = {"tensor(string)": "object", "tensor(int64)": "int64", "tensor(int32)": "int32", "tensor(float)": "float32",
              "tensor(double)": "float64", "tensor(bool)": "bool"}


def named_inputs(session, columns: list[dict]) -> dict[str, str]:
    """The column that each input of a converted model takes: skl2onnx keeps their order, but "width (cm)" becomes width__cm_."""
    inputs = [i.name for i in session.get_inputs()]
    if len(inputs) != len(columns):
        raise Refused(f"The converted model has {len(inputs)} inputs for {len(columns)} columns, so they cannot be told apart.")
    return dict(zip(inputs, (column["name"] for column in columns), strict=True))


def run(session, rows, column_of: dict[str, str]):
    """What the ONNX form says about rows, as a dictionary by output name."""
    import numpy as np

    inputs = session.get_inputs()
    if hasattr(rows, "columns"):
        feeds = {i.name: rows[column_of[i.name]].to_numpy().astype(ONNX_TYPES[i.type]).reshape(-1, 1) for i in inputs}
    else:
        feeds = {inputs[0].name: np.asarray(rows).astype(ONNX_TYPES[inputs[0].type])}
    names = [output.name for output in session.get_outputs()]
    try:
        return dict(zip(names, session.run(names, feeds), strict=True))
    except Exception as error:
        raise Refused(f"The converted model fails on rows that the original takes: {sentence(error)}") from error


def plain(labels) -> list:
    return [label.item() if hasattr(label, "item") else label for label in labels]


def interface_of(session, model, column_of: dict[str, str]) -> dict:
    outputs = [output.name for output in session.get_outputs()]
    scored = model is not None and hasattr(model, "predict_proba") and len(outputs) > 1
    classes = getattr(model, "classes_", None) if scored else None
    return {
        "inputs": [
            {
                "name": i.name,
                "column": column_of.get(i.name),
                "type": re.sub(r"^tensor\((.*)\)$", r"\1", i.type),
                "shape": [length if isinstance(length, int) else None for length in i.shape],
            }
            for i in session.get_inputs()
        ],
        "outputs": {
            "label": outputs[0],
            "probabilities": outputs[1] if scored else None,
            "classes": plain(classes) if classes is not None and not isinstance(classes, list) else None,
        },
    }


def spread(differences, tolerance: float, greatest: str, absolute=None) -> dict:
    """Figures of the greatest difference of each row."""
    import numpy as np

    p50, p99, p999 = (float(q) for q in np.quantile(differences, [0.5, 0.99, 0.999]))
    mean = float(np.mean(differences if absolute is None else absolute))
    share = float(np.mean(differences <= tolerance))
    figures = {greatest: float(np.max(differences)), "mean_abs": mean, "p50": p50, "p99": p99, "p999": p999}
    return {**figures, "share_within_tolerance": share}


def comparable(labels, like):
    """Labels in the original's type: ONNX has no NumPy strings, and writes booleans as numbers."""
    import numpy as np

    labels = np.asarray(labels).reshape(np.shape(like))
    if like.dtype.kind in "OUST":
        return labels.astype(str)
    return labels.astype(bool) if like.dtype.kind == "b" else labels


def compare(session, model, rows, source: str, columns: list[dict]) -> dict:
    import numpy as np
    from sklearn.base import is_regressor

    column_of = named_inputs(session, columns) if hasattr(rows, "columns") else {}
    outputs = run(session, rows, column_of)
    first = next(iter(outputs.values()))
    report = {
        "rows": len(rows), "source": source, "label_agreement": None, "labels_differing": None, "probability": None,
        "value": None, "tolerance": TOLERANCE, "versions": versions(), "interface": interface_of(session, model, column_of),
    }
    want = np.asarray(model.predict(rows))
    if is_regressor(model) or (want.dtype.kind == "f" and not hasattr(model, "classes_")):
        got = np.asarray(first, dtype="float64").reshape(want.shape)
        scale = np.maximum(np.abs(want), max(0.01 * float(np.max(np.abs(want))), np.finfo("float32").tiny))
        relative = (np.abs(got - want) / scale).reshape(len(rows), -1).max(axis=1)
        relative = np.where(np.isfinite(relative), relative, np.finfo("float64").max)
        report["value"] = spread(relative, TOLERANCE["value_rel"], "max_rel", np.minimum(np.abs(got - want), 1e300))
        return {**report, "passed": report["value"]["share_within_tolerance"] >= TOLERANCE["share"]}
    like = want.astype(str) if want.dtype.kind in "OUST" else want
    same = comparable(first, want) == like
    same = np.asarray(same).reshape(len(rows), -1).all(axis=1)
    report["label_agreement"] = float(np.mean(same))
    report["labels_differing"] = int(np.sum(~same))
    passed = report["label_agreement"] >= TOLERANCE["label_agreement"]
    scores = report["interface"]["outputs"]["probabilities"]
    if scores is not None:
        expected = np.asarray(model.predict_proba(rows))
        difference = np.abs(np.asarray(outputs[scores], dtype="float64").reshape(expected.shape) - expected).max(axis=1)
        difference = np.where(np.isfinite(difference), difference, 1.0)
        report["probability"] = spread(difference, TOLERANCE["probability_abs"], "max_abs")
        passed = passed and report["probability"]["share_within_tolerance"] >= TOLERANCE["share"]
    return {**report, "passed": bool(passed)}


def versions() -> dict:
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": sys.version.split()[0], "opset": str(TARGET_OPSET[""])}
    for package in ("scikit-learn", "numpy", "skl2onnx", "onnx", "onnxruntime"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            pass
    return found


def describe(report: dict) -> str:
    if report["value"] is not None:
        share = 1 - report["value"]["share_within_tolerance"]
        return f"the values of {share:.2%} of {report['rows']} rows differ by more than {TOLERANCE['value_rel']:.1%}"
    text = f"{report['labels_differing']} of {report['rows']} rows get another label"
    if report["probability"] is not None:
        share = 1 - report["probability"]["share_within_tolerance"]
        text += f", and {share:.2%} have probabilities that differ by more than {TOLERANCE['probability_abs']}"
    return text


# --- the two flavors --------------------------------------------------------------------------------------------------


def load_sklearn(folder: str):
    import mlflow.sklearn

    try:
        return mlflow.sklearn.load_model(str(Path(folder).resolve()))
    except (ImportError, AttributeError) as error:
        raise Refused(f"The model needs code that is not in its logged environment: {sentence(error)}") from error


def convert_sklearn(job: dict) -> tuple[bytes, dict]:
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    columns = checked_columns(job["signature"])
    model = load_sklearn(job["model"])
    if not hasattr(model, "predict"):
        raise Refused(f"{type(model).__name__} has no predict method, so there is nothing to serve.")
    rows, source = rows_to_compare(job, columns)
    print(f"Comparing on {len(rows)} rows ({source}).")
    has_real = any(column["type"] == "double" or re.match("float", column.get("dtype") or "") for column in columns)
    best = None
    for real in (FloatTensorType, DoubleTensorType) if has_real else (FloatTensorType,):
        try:
            blob = convert(model, columns, rows, real)
            report = compare(open_session(blob), model, rows, source, columns)
        except Refused:
            if best is None:
                raise
            break  # 64-bit inputs do not work out; what 32-bit ones gave stands
        print(f"{real.__name__}: {describe(report)}.")
        if best is None or report["passed"]:
            best = (blob, report)
        if report["passed"]:
            break
    return best


def take_onnx(job: dict) -> tuple[bytes, dict]:
    """A model that was logged as ONNX is taken as it is, when it is one file that onnxruntime can run."""
    import onnx
    import yaml

    folder = Path(job["model"]).resolve()
    flavor = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))["flavors"]["onnx"]
    path = (folder / str(flavor["data"])).resolve()
    if folder not in path.parents or not path.is_file():
        raise Refused("The model's ONNX file is not where its MLmodel says.")
    proto = onnx.load(str(path), load_external_data=False)
    tensors = list(proto.graph.initializer)
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in tensors):
        raise Refused("The ONNX model keeps its weights in further files, which is not supported for now.")
    blob = path.read_bytes()
    columns = (job["signature"] or {}).get("inputs") or []
    column_of = {column["name"]: column["name"] for column in columns if column["type"] != "tensor"}
    session = open_session(blob)
    return blob, {
        "rows": 0, "source": "logged as ONNX: this is the original", "label_agreement": None, "labels_differing": None,
        "probability": None, "value": None, "tolerance": TOLERANCE, "passed": True,
        "versions": {**versions(), "opset": str(max(o.version for o in proto.opset_import))},
        "interface": interface_of(session, None, column_of),
    }


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, allow_nan=False, ensure_ascii=False), encoding="utf-8")


def main() -> None:
    warnings.filterwarnings("ignore")
    os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    output = Path(job["output"])
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    try:
        blob, report = take_onnx(job) if job["flavor"] == "onnx" else convert_sklearn(job)
        write_json(output / "report.json", report)
        if not report["passed"]:
            raise Refused(f"The ONNX form does not answer as the original does: {describe(report)}.")
        (output / "model.onnx").write_bytes(blob)
        print(f"Converted: {len(blob)} bytes.")
    except Refused as refusal:
        write_json(output / "refused.json", {"reason": str(refusal)})
        print(f"Refused: {refusal}")


if __name__ == "__main__":
    main()
