"""Checks that DuckDB, Polars, pandas and pyarrow read the dataset of `hitrate dataset` as it is, on a simulated record:
rows, types, sums and absent values are the same in all of them, and the same as in `hitrate export` and `hitrate query`.
Exports that are killed leave whole files.

Usage: PYTHON check.py HITRATE, with the Python from the folder that scripts/data-tools.sh prints.
"""

import csv
import hashlib
import io
import json
import math
import random
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pandas
import polars
import pyarrow
import pyarrow.dataset
import pyarrow.parquet

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "api"))
from run import served  # noqa: E402

# Timeout of one command, seconds, long enough for a machine that is busy.
PATIENCE = 300
# Exports that are killed.
KILLS = 6
# Views that `hitrate export` writes too, with the arguments for all of it.
ALWAYS = ["--from", "2000-01-01T00:00:00Z", "--to", "2100-01-01T00:00:00Z"]
EXPORTS = {"readings": ALWAYS, "hourly": ALWAYS, "days": [], "recommendations": []}


def fail(what):
    sys.exit(f"data check: {what}")


def same(what, one, other):
    if isinstance(one, float) and isinstance(other, (int, float)):
        equal = math.isclose(one, float(other), rel_tol=1e-9, abs_tol=1e-9)
    else:
        equal = one == other
    if not equal:
        fail(f"{what}: {one!r} is not {other!r}")


def hitrate(binary, data, *arguments):
    run = [binary, "--data-dir", data, *arguments]
    done = subprocess.run(run, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        fail(f"{arguments} failed: {done.stderr[-2000:]}")
    return done.stdout


def read_manifest(folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    same("schema version", manifest["schema_version"], 1)
    listed = {entry["path"] for entry in manifest["files"]}
    there = {str(path.relative_to(folder)) for path in folder.rglob("*.parquet")}
    same("files", listed, there)
    for entry in manifest["files"]:
        content = (folder / entry["path"]).read_bytes()
        same(f"size of {entry['path']}", entry["bytes"], len(content))
        same(f"digest of {entry['path']}", entry["sha256"], hashlib.sha256(content).hexdigest())
        same(f"rows of {entry['path']}", entry["rows"], pyarrow.parquet.read_metadata(folder / entry["path"]).num_rows)
    return manifest


def facts_of_duckdb(pattern, columns):
    """Rows, and for each column the number of values and, for numbers, their sum."""
    table = f"read_parquet('{pattern}', hive_partitioning = true)"
    rows = duckdb.sql(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    found = {}
    for name, is_number in columns.items():
        total = f"CAST(sum(CAST({name} AS DOUBLE)) AS DOUBLE)" if is_number else "NULL"
        found[name] = duckdb.sql(f"SELECT count({name}), {total} FROM {table}").fetchall()[0]
    return rows, found


def facts_of_polars(pattern, columns):
    frame = polars.scan_parquet(pattern, hive_partitioning=True).collect()
    found = {}
    for name, is_number in columns.items():
        values = frame[name].drop_nulls()
        found[name] = (len(values), float(values.cast(polars.Float64).sum()) if is_number and len(values) else None)
    return frame, (frame.height, found)


def facts_of_pandas(folder, columns):
    frame = pandas.read_parquet(folder)
    found = {}
    for name, is_number in columns.items():
        values = frame[name].dropna()
        found[name] = (len(values), float(values.astype("float64").sum()) if is_number and len(values) else None)
    return frame, (len(frame), found)


NUMBERS = {"DOUBLE", "BIGINT", "INTEGER", "SMALLINT", "FLOAT"}
TIME = "TIMESTAMP WITH TIME ZONE"


def check_view(folder, view, manifest):
    name = view["name"]
    columns = {column["name"]: column["type"] in NUMBERS for column in view["columns"]}
    pattern = str(folder / name / "**" / "*.parquet")
    expected = facts_of_duckdb(pattern, columns)
    same(f"rows of {name}", expected[0], sum(entry["rows"] for entry in manifest["files"] if entry["view"] == name))
    in_polars, facts = facts_of_polars(pattern, columns)
    in_pandas, other = facts_of_pandas(folder / name, columns)
    for library, (rows, found) in {"Polars": facts, "pandas": other}.items():
        same(f"rows of {name} in {library}", rows, expected[0])
        for column, (count, total) in expected[1].items():
            same(f"values of {name}.{column} in {library}", found[column][0], count)
            same(f"sum of {name}.{column} in {library}", found[column][1], total)
    arrow = pyarrow.dataset.dataset(folder / name, partitioning="hive")
    same(f"rows of {name} in pyarrow", arrow.count_rows(), expected[0])
    for column in view["columns"]:
        known = arrow.schema.field(column["name"]).type
        if column["type"] == TIME:
            same(f"type of {name}.{column['name']}", known, pyarrow.timestamp("us", tz="UTC"))
            same(f"{name}.{column['name']} in Polars", in_polars[column["name"]].dtype, polars.Datetime("us", "UTC"))
            if in_pandas[column["name"]].notna().any():
                same(f"zone of {name}.{column['name']} in pandas", str(in_pandas[column["name"]].dt.tz), "UTC")
        elif column["type"] == "DATE":
            same(f"type of {name}.{column['name']}", known, pyarrow.date32())
        elif pyarrow.types.is_decimal(known) or pyarrow.types.is_nested(known):
            fail(f"{name}.{column['name']} has the type {known}")
    for part in ("year", "month"):
        if part not in in_polars.columns or part not in in_pandas.columns or part not in arrow.schema.names:
            fail(f"{name} has no partition column {part}")
    return expected


def compare_with_export(binary, data, view, expected):
    text = hitrate(binary, data, "export", view, *EXPORTS[view], "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    same(f"rows of `export {view}`", len(rows), expected[0])
    for column in ("tokens", "hit_rate", "effective_input", "saving"):
        if column in expected[1]:
            values = [float(row[column]) for row in rows if row[column] != ""]
            same(f"values of `export {view}` {column}", len(values), expected[1][column][0])
            if values:
                same(f"sum of `export {view}` {column}", math.fsum(values), expected[1][column][1])


def check_kills(binary, data, folder):
    """Kills exports at random moments: every file that is there is whole, and the next export completes the rest."""
    for number in range(KILLS):
        run = [binary, "--data-dir", data, "dataset", folder]
        export = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.Random(number).uniform(0.05, 1.0))
        export.kill()
        export.wait(timeout=PATIENCE)
        for path in folder.rglob("*.parquet"):
            pyarrow.parquet.read_table(path)
    hitrate(binary, data, "dataset", folder)
    return read_manifest(folder)


def check(binary, work, data):
    folder = work / "open-data"
    first = json.loads(hitrate(binary, data, "--json", "dataset", folder))
    manifest = read_manifest(folder)
    same("files that were written", len(first["written"]), len(manifest["files"]))
    same("simulated", manifest["simulated"], True)
    with_rows = {entry["view"] for entry in manifest["files"]}
    for wanted in ("days", "hourly", "readings", "prices", "endpoints", "models", "tiers", "runs"):
        if wanted not in with_rows:
            fail(f"the view {wanted} has no file")
    for view in manifest["views"]:
        if view["name"] not in with_rows:
            continue
        expected = check_view(folder, view, manifest)
        asked = json.loads(hitrate(binary, data, "--json", "query", f"SELECT count(*) FROM {view['name']}"))
        same(f"rows of `query` {view['name']}", asked["rows"], [[expected[0]]])
        if view["name"] in EXPORTS:
            compare_with_export(binary, data, view["name"], expected)
    again = json.loads(hitrate(binary, data, "--json", "dataset", folder))
    same("files that are written again", again["written"], [])
    damaged = folder / manifest["files"][0]["path"]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    fixed = json.loads(hitrate(binary, data, "--json", "dataset", folder))
    same("files that are repaired", fixed["written"], [manifest["files"][0]["path"]])
    read_manifest(folder)
    killed = check_kills(binary, data, work / "killed")
    rows = {entry["path"]: (entry["rows"], entry["content"]) for entry in manifest["files"]}
    same("content after kills", {entry["path"]: (entry["rows"], entry["content"]) for entry in killed["files"]}, rows)
    print(f"data check: {len(manifest['files'])} files of {len(with_rows)} views agree")


def main():
    binary = Path(sys.argv[1]).resolve()
    with served(binary) as (work, data, _):
        check(binary, work, data)


if __name__ == "__main__":
    main()
