"""Large files through the unmodified MLflow client: in parts up, in ranges down. Prints what happened as JSON."""
import hashlib
import json
import os
import sys
import tempfile

MIB = 1024 * 1024
os.environ.update(
    MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE=str(6 * MIB),
    MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE=str(5 * MIB),
    MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE=str(6 * MIB),
    MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE=str(3 * MIB),
)
if sys.argv[1] == "asked":
    os.environ.update(MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD="true", MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD="true")

from mlflow import MlflowClient, artifacts  # noqa: E402
from mlflow.store.artifact import http_artifact_repo  # noqa: E402

seen = {"parts": [], "ranges": [], "hosts": set()}
upload_part, download_chunk = http_artifact_repo.HttpArtifactRepository._upload_part, http_artifact_repo.download_chunk


def watch_part(credential, local_file, size, start_byte):
    seen["parts"].append(credential.part_number)
    seen["hosts"].add(credential.url.split("/")[2])
    return upload_part(credential=credential, local_file=local_file, size=size, start_byte=start_byte)


def watch_range(**given):
    seen["ranges"].append(given["range_start"])
    seen["hosts"].add(given["http_uri"].split("/")[2])
    return download_chunk(**given)


http_artifact_repo.HttpArtifactRepository._upload_part = staticmethod(watch_part)
http_artifact_repo.download_chunk = watch_range


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


client = MlflowClient()
run = client.create_run(client.create_experiment(f"transfers {sys.argv[1]}"))
with tempfile.TemporaryDirectory() as folder:
    large, small = os.path.join(folder, "ein großes Modell.bin"), os.path.join(folder, "small.txt")
    with open(large, "wb") as file:
        file.write(os.urandom(12 * MIB + 12345))
    with open(small, "w") as file:
        file.write("small")
    client.log_artifact(run.info.run_id, large, "model/data")
    client.log_artifact(run.info.run_id, small, "model")
    back = artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="model", dst_path=os.path.join(folder, "back"))
    print(
        json.dumps({
            "run_id": run.info.run_id,
            "equal": digest(large) == digest(os.path.join(back, "data", "ein großes Modell.bin")),
            "small": open(os.path.join(back, "small.txt")).read(),
            "sha256": digest(large),
            "files": [(file.path, file.file_size) for file in client.list_artifacts(run.info.run_id, "model/data")],
            "parts": sorted(seen["parts"]),
            "ranges": sorted(set(seen["ranges"])),
            "hosts": sorted(seen["hosts"]),
        })
    )
