"""Lightning: autolog of the trainer, with its model and checkpoints; and the life of a model."""

import logging
import tempfile

import mlflow
import torch
from common import MAJOR, X, Y, autologged, life, loads_equal, report

try:
    import lightning.pytorch as pl
except ImportError:
    import pytorch_lightning as pl

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
torch.set_num_threads(1)


class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))

    def forward(self, x):
        return self.layers(x)

    def training_step(self, batch, _):
        loss = torch.nn.functional.mse_loss(self(batch[0]), batch[1])
        self.log("train_loss", loss, on_epoch=True, on_step=False)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.01)


pl.seed_everything(0, workers=False)
x, y = torch.from_numpy(X), torch.from_numpy(Y).reshape(-1, 1)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=40)
mlflow.pytorch.autolog()
net = Net()
trainer = pl.Trainer(
    max_epochs=3,
    accelerator="cpu",
    logger=False,
    enable_progress_bar=False,
    enable_model_summary=False,
    default_root_dir=tempfile.mkdtemp(),
)
trainer.fit(net, loader)
found = autologged("train_loss")
run_id = mlflow.last_active_run().info.run_id
mlflow.pytorch.autolog(disable=True)
net.eval()
expected = net(x)
predict = lambda one: one(x)
found["model"] = loads_equal(f"runs:/{run_id}/model", mlflow.pytorch.load_model, predict, X, expected)
# As autolog does it: 3.x would export a graph and lose the class.
pickled = {"serialization_format": "pickle"} if MAJOR >= 3 else {}
lived = life(
    lambda **at: mlflow.pytorch.log_model(net, **pickled, **at), mlflow.pytorch.load_model, predict, X, expected
)
report("lightning", autolog=found, **lived)
