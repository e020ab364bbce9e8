"""Traces and prompts with a client before MLflow 3; prints what it saw as JSON."""

import json
import sys
import warnings

import mlflow

warnings.filterwarnings("ignore")
NAME = sys.argv[1]
client = mlflow.MlflowClient()
seen = {"version": mlflow.__version__}


@mlflow.trace(name="answer", span_type="CHAIN")
def answer(question):
    """A root span with a child."""
    with mlflow.start_span("think") as span:
        span.set_inputs({"question": question})
        span.set_attribute("camelKey", 7)
        span.set_outputs({"deep": [1, {"a": None}]})
    return f"It is {question}."


def traces():
    """Begun and ended by the older protocol; the spans are a file."""
    experiment = mlflow.set_experiment(NAME)
    answer("a dog")
    with mlflow.start_run() as run:
        answer("a cat")
    found = client.search_traces(experiment_ids=[experiment.experiment_id])
    trace = found[-1]
    by_run = client.search_traces(
        experiment_ids=[experiment.experiment_id], filter_string=f"run_id = '{run.info.run_id}'"
    )
    request_id = trace.info.request_id
    client.set_trace_tag(request_id, "colour", "blue")
    again = client.get_trace(request_id)
    client.delete_trace_tag(request_id, "colour")
    seen["traces"] = {
        "found": len(found),
        "run": len(by_run),
        "status": again.info.status.value,
        "name": again.info.tags["mlflow.traceName"],
        "colour": again.info.tags["colour"],
        "inputs": json.loads(again.info.request_metadata["mlflow.traceInputs"]),
        "spans": [span.name for span in again.data.spans],
        "attribute": again.data.spans[1].attributes["camelKey"],
        "outputs": again.data.spans[1].outputs,
        "timed": again.info.execution_time_ms is not None,
        "ok": len(client.search_traces([experiment.experiment_id], filter_string="status = 'OK'")),
        "deleted": client.delete_traces(experiment.experiment_id, request_ids=[request_id]),
        "left": len(client.search_traces([experiment.experiment_id])),
    }


def prompts():
    """From 2.21 on."""
    name = f"{NAME}-prompt"
    mlflow.register_prompt(name, "Hello {{who}}!", commit_message="first")
    mlflow.register_prompt(name, "Hi {{who}}!", commit_message="second")
    mlflow.set_prompt_alias(name, "live", 1)
    loaded = [mlflow.load_prompt(f"prompts:/{name}/2"), mlflow.load_prompt(f"prompts:/{name}@live")]
    seen["prompts"] = [
        [prompt.version, prompt.format(who="you"), prompt.commit_message] for prompt in loaded
    ] + [[model.name for model in client.search_registered_models() if model.name == name]]
    mlflow.delete_prompt_alias(name, "live")
    client.delete_prompt(name, 1)
    client.delete_prompt(name, 2)


if __name__ == "__main__":
    traces()
    if hasattr(mlflow, "register_prompt"):
        prompts()
    print(json.dumps(seen))
