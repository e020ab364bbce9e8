"""Compare data/adult.csv.gz cell by cell with a copy of the original Adult data.

    python scripts/check_against_original.py PATH_TO_ADULT_CSV

The copy is UCI's adult.data followed by adult.test under one header line, with blanks trimmed and the
trailing dot of the test labels removed; its column fnlwgt is left out of the comparison. Exit status 0:
every cell agrees (the message says whether the row order does, too). Exit status 1: something differs.
"""

import argparse
import csv
import gzip
import sys
from pathlib import Path

OURS = Path(__file__).resolve().parent.parent / "data" / "adult.csv.gz"
LEFT_OUT = {"fnlwgt"}


def read_rows(path: Path) -> tuple[list[str], list[tuple[str, ...]]]:
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
    with opened as lines:
        reader = csv.reader(lines)
        header = next(reader)
        keep = [i for i, name in enumerate(header) if name not in LEFT_OUT]
        return [header[i] for i in keep], [tuple(row[i] for i in keep) for row in reader]


def compare(ours: Path, original: Path) -> tuple[bool, str]:
    our_header, our_rows = read_rows(ours)
    header, rows = read_rows(original)
    if our_header != header:
        return False, f"the columns differ: {our_header} here, {header} in {original}"
    if len(our_rows) != len(rows):
        return False, f"{len(our_rows)} rows here, {len(rows)} in {original}"
    cells = len(rows) * len(header)
    if our_rows == rows:
        return True, f"all {cells:,} cells of {len(rows):,} rows agree, in the same row order"
    if sorted(our_rows) == sorted(rows):
        return True, f"all {cells:,} cells of {len(rows):,} rows agree once both are sorted; the row order differs"
    number, mine, theirs = next((i, a, b) for i, (a, b) in enumerate(zip(our_rows, rows)) if a != b)
    changed = [f"{name}: {a!r} here, {b!r} there" for name, a, b in zip(header, mine, theirs) if a != b]
    return False, f"the rows differ, first at data row {number} ({'; '.join(changed)})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original", type=Path)
    parser.add_argument("--ours", type=Path, default=OURS)
    args = parser.parse_args()
    same, message = compare(args.ours, args.original)
    print(message, file=sys.stdout if same else sys.stderr)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
