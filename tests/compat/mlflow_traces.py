"""Traces, assessments, prompts, evaluation and evaluation datasets with the real MLflow client; prints what it saw as JSON."""

import json
import os
import sys
import warnings

import mlflow
import pandas as pd
from mlflow.entities import AssessmentSource, SpanType
from mlflow.exceptions import MlflowException

warnings.filterwarnings("ignore")
NAME = sys.argv[1]
client = mlflow.MlflowClient()
seen = {}


def code_of(work):
    """The error code that a call ends with."""
    try:
        work()
    except MlflowException as error:
        return error.error_code
    return "no error"


@mlflow.trace(span_type=SpanType.TOOL, attributes={"shelf": "top"})
def look_up(word: str) -> dict:
    """A child span."""
    return {"word": word, "pages": [1, 2], "ok": True, "score": 0.5, "none": None}


@mlflow.trace(name="answer", span_type=SpanType.CHAIN)
def answer(question: str) -> str:
    """A root span with a child, an event and a tag."""
    mlflow.update_current_trace(tags={"topic": "dogs"}, metadata={"mlflow.trace.session": "s-1"})
    with mlflow.start_span("think", span_type=SpanType.AGENT) as span:
        span.set_inputs({"question": question, "größe": "ü", "deep": {"list": [1, {"a": "b"}]}})
        span.set_attributes({"number": 7, "ratio": 0.25, "flag": True, "texts": ["a", "b"]})
        span.set_outputs(look_up(question))
    return f"It is {question}."


@mlflow.trace(name="fails")
def fails() -> None:
    """A trace that ends in an error."""
    raise ValueError("no luck")


def trace_and_read():
    """Traces in and outside of a run, read back whole."""
    experiment = mlflow.set_experiment(NAME)
    answer("a dog")
    first = mlflow.get_last_active_trace_id()
    with mlflow.start_run() as run:
        answer("a cat")
        second = mlflow.get_last_active_trace_id()
    try:
        fails()
    except ValueError:
        pass
    third = mlflow.get_last_active_trace_id()
    mlflow.flush_trace_async_logging()
    trace = mlflow.get_trace(first)
    think = trace.search_spans(name="think")[0]
    seen["trace"] = {
        "state": trace.info.state.value,
        "name": trace.info.tags["mlflow.traceName"],
        "topic": trace.info.tags["topic"],
        "session": trace.info.trace_metadata["mlflow.trace.session"],
        "request": json.loads(trace.data.request),
        "response": json.loads(trace.data.response),
        "previews": [trace.info.request_preview, trace.info.response_preview],
        "spans": sorted([span.name, span.span_type] for span in trace.data.spans),
        "inputs": think.inputs,
        "outputs": think.outputs,
        "attributes": {key: think.get_attribute(key) for key in ("number", "ratio", "flag", "texts")},
        "parents": think.parent_id == trace.search_spans(name="answer")[0].span_id,
        "timed": trace.info.execution_duration is not None and think.end_time_ns > think.start_time_ns,
        "in_database": trace.info.tags.get("mlflow.trace.spansLocation"),
    }
    failed = mlflow.get_trace(third)
    seen["failed"] = [failed.info.state.value, failed.data.spans[0].status.status_code.value, failed.data.spans[0].events[0].name]
    seen["unknown"] = code_of(lambda: client.get_trace("tr-" + "0" * 32))
    return experiment.experiment_id, run.info.run_id, first, second, third


def search(experiment_id, run_id, first, second, third):
    """The filters and orders that people write."""

    def found(filter_string=None, **more):
        traces = mlflow.search_traces(
            locations=[experiment_id], filter_string=filter_string, return_type="list", **more
        )
        return [["first", "second", "third"][[first, second, third].index(trace.info.trace_id)] for trace in traces]

    seen["search"] = {
        "all": found(),
        "oldest": found(order_by=["timestamp_ms ASC"]),
        "ok": found("trace.status = 'OK'"),
        "error": found("attributes.status = 'ERROR'"),
        "name": found("trace.name = 'answer'"),
        "run": found(run_id=run_id),
        "tag": found("tags.topic LIKE 'do%'"),
        "metadata": found("metadata.`mlflow.trace.session` = 's-1'"),
        "span": found("span.name = 'look_up' AND span.type = 'TOOL'"),
        "span_apart": found("span.name = 'look_up' AND span.type = 'AGENT'"),
        "attribute": found("span.attributes.shelf = 'top' AND trace.run_id = '" + run_id + "'"),
        "text": found("trace.text ILIKE '%A CAT%'"),
        "slow": found("execution_time_ms > 60000"),
        "max": found(max_results=1),
        "wrong": code_of(lambda: found("colour = 'red'")),
    }
    frame = mlflow.search_traces(locations=[experiment_id])
    seen["frame"] = [len(frame), frame.iloc[0]["state"]]
    page = client.search_traces(locations=[experiment_id], max_results=2)
    rest = client.search_traces(locations=[experiment_id], max_results=2, page_token=page.token)
    seen["pages"] = [len(page), len(rest), rest.token is None]


def change(experiment_id, run_id, first, second, third):
    """Tags, assessments, links, deletion."""
    client.set_trace_tag(first, "colour", "blue")
    client.set_trace_tag(first, "gone", "soon")
    client.delete_trace_tag(first, "gone")
    seen["no_tag"] = code_of(lambda: client.delete_trace_tag(first, "gone"))
    human = AssessmentSource(source_type="HUMAN", source_id="ada")
    good = mlflow.log_feedback(trace_id=first, name="good", value=True, source=human, rationale="why not", metadata={"a": "1"})
    mlflow.log_feedback(trace_id=first, name="parts", value={"a": [1.5, "x"], "b": None})
    mlflow.log_feedback(trace_id=first, name="broken", error=ValueError("judge died"))
    mlflow.log_expectation(trace_id=first, name="expected", value={"words": ["dog"], "count": 3})
    changed = mlflow.update_assessment(
        trace_id=first, assessment_id=good.assessment_id, assessment=mlflow.entities.Feedback(name="good", value=False)
    )
    better = mlflow.override_feedback(trace_id=first, assessment_id=good.assessment_id, value=True, rationale="on second thought")
    info = mlflow.get_trace(first).info
    by_name = {one.name: one for one in info.assessments if one.valid in (None, True)}
    seen["assessments"] = {
        "colour": info.tags["colour"],
        "names": sorted(by_name),
        "changed": changed.value,
        "good": [by_name["good"].value, by_name["good"].rationale, better.overrides == good.assessment_id],
        "parts": by_name["parts"].value,
        "broken": by_name["broken"].error.error_message,
        "expected": by_name["expected"].value,
        "source": [by_name["good"].source.source_type, mlflow.get_assessment(first, good.assessment_id).valid],
        "search": [
            len(client.search_traces(locations=[experiment_id], filter_string=f))
            for f in ("feedback.good = 'true'", "feedback.good = 'false'", "expectation.expected IS NOT NULL", "feedback.nope = 'x'")
        ],
    }
    mlflow.delete_assessment(first, better.assessment_id)
    seen["restored"] = mlflow.get_assessment(first, good.assessment_id).valid
    client.link_traces_to_run([first], run_id)
    seen["linked"] = len(client.search_traces(locations=[experiment_id], filter_string=f"run_id = '{run_id}'"))
    seen["deleted"] = client.delete_traces(experiment_id, trace_ids=[third])
    seen["left"] = len(client.search_traces(locations=[experiment_id]))
    seen["deleted_by_age"] = client.delete_traces(experiment_id, max_timestamp_millis=1)


def prompts():
    """Prompts are registered models that searches of models do not show."""
    name = f"{NAME}-prompt"
    one = mlflow.genai.register_prompt(name, "Hello {{who}}!", commit_message="first", tags={"author": "ada"})
    two = mlflow.genai.register_prompt(name, [{"role": "user", "content": "Hi {{who}}"}], commit_message="second")
    mlflow.genai.set_prompt_alias(name, alias="live", version=1)
    mlflow.genai.set_prompt_tag(name, "team", "words")
    mlflow.genai.set_prompt_version_tag(name, 1, "checked", "yes")
    again = mlflow.genai.load_prompt(name, version=1)
    aliased = mlflow.genai.load_prompt(f"prompts:/{name}@live")
    seen["prompt"] = {
        "versions": [one.version, two.version],
        "text": [again.template, again.format(who="you"), again.commit_message, again.tags],
        "chat": mlflow.genai.load_prompt(name, version=2).format(who="you"),
        "alias": [aliased.version, aliased.aliases],
        "latest": mlflow.genai.load_prompt(f"prompts:/{name}@latest").version,
        "search": [prompt.name for prompt in mlflow.genai.search_prompts(f"name = '{name}'")],
        "listed_models": [model.name for model in client.search_registered_models() if model.name == name],
        "listed_versions": len([1 for version in client.search_model_versions() if version.name == name]),
        "version_list": sorted(p.version for p in client.search_prompt_versions(name)),
        "tags": mlflow.genai.get_prompt_tags(name).get("team"),
        "missing": mlflow.genai.load_prompt(name, version=9, allow_missing=True),
    }
    mlflow.genai.delete_prompt_alias(name, "live")
    seen["prompt"]["no_alias"] = mlflow.genai.load_prompt(f"prompts:/{name}@live", allow_missing=True)
    client.delete_prompt_version(name, "1")
    client.delete_prompt_version(name, "2")
    client.delete_prompt(name)
    seen["prompt"]["after_delete"] = len(mlflow.genai.search_prompts(f"name = '{name}'"))


def evaluation_datasets(experiment_id):
    """A dataset of records that is evaluated with a plain function as scorer."""
    from mlflow.genai import datasets
    from mlflow.genai.scorers import scorer

    dataset = datasets.create_dataset(name=f"{NAME}-questions", experiment_id=[experiment_id], tags={"kind": "small"})
    records = [
        {"inputs": {"question": "a dog", "size": 1.0, "big": 9007199254740993}, "expectations": {"contains": "dog"}},
        {"inputs": {"question": "a cat"}, "expectations": {"contains": "bird"}},
    ]
    dataset.merge_records(records)
    dataset.merge_records([{"inputs": {"question": "a cat"}, "expectations": {"extra": True}, "tags": {"t": "1"}}])
    datasets.set_dataset_tags(dataset_id=dataset.dataset_id, tags={"owner": "ada"})
    datasets.delete_dataset_tag(dataset_id=dataset.dataset_id, key="kind")
    again = datasets.get_dataset(dataset_id=dataset.dataset_id)
    frame = again.to_df()
    first = next(row for row in frame["inputs"] if row["question"] == "a dog")
    second = next(row["expectations"] for _, row in frame.iterrows() if row["inputs"]["question"] == "a cat")
    seen["dataset"] = {
        "rows": len(frame),
        "first": [type(first["size"]).__name__, str(first["big"])],
        "second": second,
        "tags": again.tags,
        "schema": json.loads(again.schema)["inputs"],
        "profile": json.loads(again.profile),
        "experiments": again.experiment_ids == [experiment_id],
        "found": [d.name for d in datasets.search_datasets(experiment_ids=[experiment_id], filter_string="tags.owner = 'ada'")],
        "not_found": len(datasets.search_datasets(experiment_ids=[experiment_id], filter_string="name = 'other'")),
    }

    @scorer
    def contains(outputs, expectations):
        return expectations["contains"] in outputs

    result = mlflow.genai.evaluate(
        data=[{"inputs": {"question": r["inputs"]["question"]}, "expectations": r["expectations"]} for r in records],
        predict_fn=answer,
        scorers=[contains],
    )
    evaluated = mlflow.search_traces(locations=[experiment_id], run_id=result.run_id, return_type="list")
    seen["evaluate"] = {
        "metrics": dict(result.metrics),
        "stored": client.get_run(result.run_id).data.metrics,
        "traces": len(evaluated),
        "scored": sorted(str(a.value) for t in evaluated for a in t.info.assessments if a.name == "contains"),
    }
    datasets.remove_dataset_from_experiments(dataset_id=dataset.dataset_id, experiment_ids=[experiment_id])
    seen["dataset"]["removed"] = len(datasets.search_datasets(experiment_ids=[experiment_id]))
    datasets.add_dataset_to_experiments(dataset_id=dataset.dataset_id, experiment_ids=[experiment_id])
    datasets.delete_dataset(dataset_id=dataset.dataset_id)
    seen["dataset"]["deleted"] = code_of(lambda: datasets.get_dataset(dataset_id=dataset.dataset_id))


if __name__ == "__main__":
    ids = trace_and_read()
    search(*ids)
    change(*ids)
    prompts()
    evaluation_datasets(ids[0])
    print(json.dumps(seen, default=list))
