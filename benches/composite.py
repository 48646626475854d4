"""A table of units scored and aggregated: forerunner beside vectorised numpy, on the same file, one after the other.

python benches/composite.py [--units 50000] [--indicators 20] [--times 3]
(cargo build --release; pip install numpy pandas)

Synthetic and seeded. Both normalise by min-max to 1..100 over the sample and aggregate twice by weighted geometric means, over what is there:
indicators in five components, components in one dimension. numpy's time is the arithmetic alone, once the table stands in memory, and the whole script with
reading by pandas and writing of the scores. forerunner's is its stage `score` (manifest.json), which also prepares, and gives coverage and bounds of every node;
its whole process also checks every cell, and writes indicators, scores and, unless told otherwise, the diagnostics.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

GROUPS = 5


def table(units, indicators, missing):
    random = np.random.default_rng(21)
    values = np.exp(random.normal(size=(units, indicators))) * 10.0
    values[random.random(values.shape) < missing] = np.nan
    return values


def write(folder, values):
    import pandas

    names = [f"i{at}" for at in range(values.shape[1])]
    frame = pandas.DataFrame(values, columns=names)
    frame.insert(0, "unit", [f"u{at:06d}" for at in range(len(frame))])
    frame.to_csv(f"{folder}/table.csv", index=False)
    text = 'name = "composite"\n[figures.table]\npath = "table.csv"\nshape = "wide"\ncolumns = { cluster = "unit" }\n'
    text += '[score]\nnormalise = { method = "min_max", to = [1, 100] }\n'
    text += '[outputs]\nlayers = []\nreport = false\ntables = ["parquet"]\n[[dimensions]]\nid = "index"\naggregate = "geometric"\n'
    for at in range(GROUPS):
        text += f'[[components]]\nid = "c{at}"\nparent = "index"\naggregate = "geometric"\nweight = {at + 1}\n'
    for at, name in enumerate(names):
        text += f'[[indicators]]\nid = "{name}_score"\nparent = "c{at % GROUPS}"\nover = "clusters"\nexpr = "{name}"\nweight = {1 + at % 3}\n'
    with open(f"{folder}/pipeline.toml", "w") as file:
        file.write(text)


def geometric(scores, weights):
    known = ~np.isnan(scores)
    logs = np.where(known, np.log(np.maximum(np.where(known, scores, 1.0), 1.0)), 0.0)
    total = known @ weights
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, np.exp(logs @ weights / total), np.nan)


def score(values):
    least, most = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    scores = 1 + 99 * (values - least) / (most - least)
    at = np.arange(values.shape[1])
    weights = 1.0 + at % 3
    parts = [geometric(scores[:, at % GROUPS == group], weights[at % GROUPS == group]) for group in range(GROUPS)]
    parts = np.column_stack(parts)
    return scores, parts, geometric(parts, 1.0 + np.arange(GROUPS))


PEER = """
import sys, time; sys.path.insert(0, sys.argv[2])
import numpy as np, pandas, composite
folder = sys.argv[1]
frame = pandas.read_csv(f"{folder}/table.csv")
values = frame.drop(columns="unit").to_numpy()
composite.score(values[:100])
start = time.perf_counter()
scores, parts, index = composite.score(values)
print(time.perf_counter() - start)
columns = {f"c{at}": parts[:, at] for at in range(parts.shape[1])}
pandas.DataFrame({"unit": frame["unit"], "index": index, **columns}).to_parquet(f"{folder}/peer.parquet")
"""


def timed(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss), done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, default=50_000)
    parser.add_argument("--indicators", type=int, default=20)
    parser.add_argument("--missing", type=float, default=0.02)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    program = os.path.abspath("target/release/forerunner")
    here = os.path.dirname(os.path.abspath(__file__))
    with tempfile.TemporaryDirectory() as folder:
        write(folder, table(options.units, options.indicators, options.missing))
        run = [program, "run", "-q", f"{folder}/pipeline.toml", "--out", f"{folder}/out"]
        found = {"plain": [], "diagnosed": [], "numpy": []}
        for _ in range(options.times):
            for name, more in [("plain", ["--set", "score.diagnostics=false"]), ("diagnosed", [])]:
                whole, peak, _ = timed(run + more)
                with open(f"{folder}/out/manifest.json") as file:
                    stages = json.load(file)["timing"]
                stages = dict(stages) if not isinstance(stages, dict) else stages
                found[name].append((stages["score"], whole, peak))
            whole, peak, said = timed([sys.executable, "-c", PEER, folder, here])
            found["numpy"].append((float(said), whole, peak))
        check(folder)
    print("| program | scoring, s | whole process, s | peak so far, MB |\n|---|---|---|---|")
    for name, rows in found.items():
        scoring, whole, peak = (statistics.median(row[at] for row in rows) for at in range(3))
        print(f"| {name} | {scoring:.4f} | {whole:.2f} | {peak / 1024:.0f} |")
    ratio = statistics.median(row[0] for row in found["numpy"]) / statistics.median(row[0] for row in found["plain"])
    print(f"scoring: {ratio:.1f} times as fast as numpy")


def check(folder):
    import pandas

    ours = pandas.read_parquet(f"{folder}/out/scores.parquet")
    ours = ours[ours.node == "index"].sort_values("cluster_id").score.to_numpy()
    theirs = pandas.read_parquet(f"{folder}/peer.parquet").sort_values("unit")["index"].to_numpy()
    assert np.allclose(ours, theirs, rtol=1e-9, equal_nan=True), "the two do not agree"


if __name__ == "__main__":
    main()
