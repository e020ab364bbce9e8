"""Train a model that predicts whether a person earns more than $50,000 a year. Plain MLflow and scikit-learn."""

import argparse
import warnings
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss, roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

DATASET = "adult-prepared"
TARGET = "income"
POSITIVE = ">50K"
NUMBERS = ["age", "capital_gain", "capital_loss", "hours_per_week"]
CATEGORIES = ["workclass", "marital_status", "occupation", "relationship", "race", "sex", "native_country"]
SCHOOLING = [
    *["Preschool", "1st-4th", "5th-6th", "7th-8th", "9th", "10th", "11th", "12th", "HS-grad", "Some-college"],
    *["Assoc-voc", "Assoc-acdm", "Bachelors", "Masters", "Prof-school", "Doctorate"],
]
# skops, the format MLflow saves scikit-learn models in, loads tree structures only where they are named as trusted.
TREES = ["sklearn.tree._tree.Tree", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
MODELS = ["logistic", "tree", "gradient_boosting", "hist_gradient_boosting"]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with train and test, as .parquet or .csv")
    parser.add_argument("--model", choices=MODELS, default="gradient_boosting")
    parser.add_argument("--learning-rate", type=float, default=0.1, help="both kinds of boosting")
    parser.add_argument("--n-estimators", type=int, default=150, help="both kinds of boosting: how many trees")
    parser.add_argument("--max-depth", type=int, default=5, help="tree and both kinds of boosting")
    parser.add_argument("--C", type=float, default=1.0, help="logistic: the inverse of the regularisation")
    parser.add_argument("--feedback-weight", type=float, default=1.0, help="how much a feedback row counts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--register", default="", help="also register the model under this name")
    return parser.parse_args()


def read_part(folder: Path, name: str) -> pd.DataFrame | None:
    if (folder / f"{name}.parquet").exists():
        return pd.read_parquet(folder / f"{name}.parquet")
    if (folder / f"{name}.csv").exists():
        return pd.read_csv(folder / f"{name}.csv", keep_default_na=False)
    return None


def read_data(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """The rows to train on, the rows to test on, and how many of the former, at the end, are feedback."""
    train, test, feedback = (read_part(folder, name) for name in ("train", "test", "feedback"))
    if train is None or test is None:
        raise SystemExit(f"{folder} holds no train.parquet and test.parquet (or .csv)")
    if feedback is None:
        return train, test, 0
    feedback = feedback[train.columns].astype(train.dtypes.to_dict())
    return pd.concat([train, feedback], ignore_index=True), test, len(feedback)


def build_pipeline(args: argparse.Namespace) -> Pipeline:
    boosting = {"learning_rate": args.learning_rate, "max_depth": args.max_depth, "random_state": args.seed}
    classifier = {
        "logistic": lambda: LogisticRegression(C=args.C, max_iter=2000),
        "tree": lambda: DecisionTreeClassifier(
            max_depth=args.max_depth, min_samples_leaf=20, random_state=args.seed
        ),
        "gradient_boosting": lambda: GradientBoostingClassifier(n_estimators=args.n_estimators, **boosting),
        "hist_gradient_boosting": lambda: HistGradientBoostingClassifier(max_iter=args.n_estimators, **boosting),
    }[args.model]()
    schooling = OrdinalEncoder(categories=[SCHOOLING], handle_unknown="use_encoded_value", unknown_value=-1)
    numbers = "passthrough"  # trees need no scaling
    if args.model == "logistic":
        # A line is too stiff for age and hours: give it their squares and products, too.
        squares = PolynomialFeatures(degree=2, include_bias=False)
        numbers = Pipeline([("scale", StandardScaler()), ("squares", squares)])
        schooling = Pipeline([("order", schooling), ("scale", StandardScaler())])
    columns = ColumnTransformer(
        [
            ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), CATEGORIES),
            ("schooling", schooling, ["education"]),
            ("numbers", numbers, NUMBERS),
        ]
    )
    return Pipeline([("columns", columns), ("classifier", classifier)])


def evaluate(pipeline: Pipeline, rows: pd.DataFrame, truth: pd.Series) -> tuple[dict[str, float], dict]:
    labels = [str(label) for label in pipeline.classes_]
    predicted = pipeline.predict(rows)
    probabilities = pipeline.predict_proba(rows)
    metrics = {
        "test_accuracy": accuracy_score(truth, predicted),
        "test_f1": f1_score(truth, predicted, pos_label=POSITIVE),
        "test_roc_auc": roc_auc_score(truth == POSITIVE, probabilities[:, labels.index(POSITIVE)]),
        "test_log_loss": log_loss(truth, probabilities, labels=labels),
    }
    counts = confusion_matrix(truth, predicted, labels=labels)
    return metrics, {"labels": labels, "rows_are_truth_columns_are_predictions": counts.tolist()}


def main() -> None:
    args = parse_args()
    # The recipe leaves no number missing, so whole-number columns can stay whole numbers in the signature.
    warnings.filterwarnings("ignore", message=".*integer column.*", category=UserWarning)
    # Two that MLflow sets off itself: by offering one kind of local folder twice, and by an old argument of scikit-learn.
    warnings.filterwarnings("ignore", message=".*interpreted in multiple ways.*", category=UserWarning)
    warnings.filterwarnings("ignore", message=".*renamed to `y_proba`.*", category=FutureWarning)
    mlflow.sklearn.autolog(log_models=False, log_datasets=False)
    train, test, feedback_rows = read_data(args.data)
    features, truth = train.drop(columns=TARGET), train[TARGET]
    test_features, test_truth = test.drop(columns=TARGET), test[TARGET]
    weights = np.ones(len(train))
    weights[len(train) - feedback_rows :] = args.feedback_weight

    with mlflow.start_run():
        mlflow.log_params({"model": args.model, "train_rows": len(train), "feedback_rows": feedback_rows})
        for frame, context in ((train, "training"), (test, "evaluation")):
            source = str(args.data.resolve())
            mlflow.log_input(mlflow.data.from_pandas(frame, source=source, name=DATASET, targets=TARGET), context=context)

        pipeline = build_pipeline(args)
        pipeline.fit(features, truth, classifier__sample_weight=weights)

        metrics, confusion = evaluate(pipeline, test_features, test_truth)
        mlflow.log_metrics(metrics)
        mlflow.log_dict(confusion, "confusion_matrix.json")
        mlflow.sklearn.log_model(
            pipeline,
            name="model",
            signature=infer_signature(features.head(100), truth.head(100)),
            input_example=test_features.head(3),
            skops_trusted_types=TREES,
            pip_requirements=str(Path(__file__).with_name("requirements.txt")),
            registered_model_name=args.register or None,
        )
    print(f"{args.model}: " + ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))


if __name__ == "__main__":
    main()
