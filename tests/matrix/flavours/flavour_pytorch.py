"""PyTorch without a trainer: there is no autolog, so the loop logs by hand; and the life of a model."""

import mlflow
import torch
from common import X, Y, autologged, life, report

torch.manual_seed(0)
torch.set_num_threads(1)
model = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
x, y = torch.from_numpy(X), torch.from_numpy(Y).reshape(-1, 1)
with mlflow.start_run(run_name="loop"):
    mlflow.log_params({"lr": 0.01, "hidden": 8})
    for step in range(12):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        mlflow.log_metric("loss", loss.item(), step=step)
    mlflow.pytorch.log_state_dict(model.state_dict(), artifact_path="checkpoint")
found = autologged("loss")
state = mlflow.pytorch.load_state_dict(f"runs:/{mlflow.last_active_run().info.run_id}/checkpoint")
found["state"] = all(bool((state[key] == value).all()) for key, value in model.state_dict().items())
model.eval()
lived = life(
    # 3.x exports the model as a graph, for which it needs the example.
    lambda **at: mlflow.pytorch.log_model(model, input_example=X[:2], **at),
    mlflow.pytorch.load_model,
    lambda one: one(x),
    X,
    model(x),
)
report("pytorch", autolog=found, **lived)
