"""A register of tens of millions of rows (facility, pollutant, year, stack; synthetic, seeded) in 16 Parquet files, filtered and
summed to its facilities: on a cluster of two executors, and on one machine.

    pip install polars numpy
    cargo build --release && cargo build --release --manifest-path distributed/Cargo.toml
    python3 distributed/tests/big.py [--facilities 2000000] [--folder out/big]

Prints seconds and peak memory of every process, and whether the outputs have the same bytes.
"""
import argparse, json, pathlib, shutil, subprocess, sys, time

import numpy as np
import polars as pl

from same import Cluster

ROOT = pathlib.Path(__file__).resolve().parents[2]
POLLUTANTS = ["Carbon dioxide", "Methane", "Nitrous oxide", "NOx", "SO2", "PM10", "PM2.5", "NMVOC", "Ammonia", "CO", "HFC", "SF6"]
PIPELINE = """name = "big"
[facilities]
path = "register/year=2022/part-*.parquet"
columns = { id = "facility_id", operator = "operator", x = "lon", y = "lat", year = "year", pollutant = "pollutant", emissions_t = { column = "kg", unit = "kg" } }
where = "pollutant = 'Carbon dioxide'"
[facilities.contract]
keep = "sum"
[layers.ports]
path = "ports.csv"
columns = { id = "id", x = "lon", y = "lat" }
[delineate]
method = "dbscan"
radius_km = 3
min_facilities = 8
[outputs]
layers = []
report = false
[[dimensions]]
id = "locational_advantage"
threshold = 50
[[components]]
id = "access"
parent = "locational_advantage"
[[indicators]]
id = "port"
parent = "access"
expr = "SUM(emissions_t * km_to_ports) / SUM(emissions_t)"
unit = "km"
worst = 300
crossover = 100
best = 5
[[indicators]]
id = "size"
parent = "access"
expr = "SUM(emissions_t) / 1000000"
unit = "Mt"
worst = 0
best = 5
"""


def generate(folder, facilities, files):
    chance = np.random.default_rng(24)
    centres = chance.uniform([-170, -55], [175, 70], (4000, 2))
    heap = chance.integers(0, len(centres), facilities)
    spread = np.where(chance.random(facilities) < 0.7, 0.03, 1.5)
    place = centres[heap] + chance.normal(0, 1, (facilities, 2)) * spread[:, None]
    place = np.column_stack([(place[:, 0] + 180) % 360 - 180, place[:, 1]]).round(5)
    size = chance.lognormal(9, 2, facilities).round(1)
    cuts = np.linspace(0, facilities, files + 1).astype(int)
    (folder / "register/year=2022").mkdir(parents=True)
    rows = 0
    for part, (start, end) in enumerate(zip(cuts, cuts[1:])):
        own = np.arange(start, end)
        # Two stacks a pollutant, and a third of carbon dioxide: 25 rows a facility.
        kind = np.array([p for p in range(12) for _ in range(2)] + [0])
        facility = np.repeat(own, len(kind))
        gas = np.tile(kind, len(own))
        kg = (size[facility] * 1000 / 3 * chance.uniform(0.5, 1.5, len(facility))).round(1)
        pl.DataFrame({
            "facility_id": pl.Series(facility).cast(pl.String).str.zfill(8),
            "operator": pl.Series(facility % 50000).cast(pl.String),
            "lon": place[facility, 0], "lat": place[facility, 1],
            "pollutant": pl.Series(np.array(POLLUTANTS)[gas]), "kg": kg,
        }).write_parquet(folder / f"register/year=2022/part-{part:02}.parquet")
        rows += len(facility)
    ports = centres[chance.integers(0, len(centres), 3000)] + chance.normal(0, 1, (3000, 2))
    ports[:, 0] = (ports[:, 0] + 180) % 360 - 180
    text = "".join(f"p{number},{lon:.4f},{lat:.4f}\n" for number, (lon, lat) in enumerate(ports))
    (folder / "ports.csv").write_text("id,lon,lat\n" + text)
    (folder / "big.toml").write_text(PIPELINE)
    return rows


def peak(pid):
    """Peak resident memory, GB."""
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1e6
    return 0.0


def watched(command):
    """Seconds and peak memory of a command."""
    began = time.time()
    process = subprocess.Popen([str(part) for part in command])
    most = 0.0
    while process.poll() is None:
        try:
            most = max(most, peak(process.pid))
        except FileNotFoundError:
            pass
        time.sleep(0.1)
    if process.returncode:
        sys.exit(f"{command}: status {process.returncode}")
    return time.time() - began, most


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--facilities", type=int, default=2_000_000)
    parser.add_argument("--files", type=int, default=16)
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "distributed/target/big")
    parser.add_argument("--program", default=ROOT / "distributed/target/release/forerunner-distributed")
    parser.add_argument("--alone", default=ROOT / "target/release/forerunner")
    parser.add_argument("--port", type=int, default=50150)
    a = parser.parse_args()
    shutil.rmtree(a.folder, ignore_errors=True)
    a.folder.mkdir(parents=True)
    began = time.time()
    rows = generate(a.folder, a.facilities, a.files)
    print(f"{rows:,} rows in {a.files} files, written in {time.time() - began:.0f} s", flush=True)
    pipeline = a.folder / "big.toml"
    with Cluster(a.program, a.folder / "cluster", a.port) as cluster:
        seconds, most = watched([a.program, "run", pipeline, "--out", a.folder / "shared", "--scheduler", f"http://127.0.0.1:{a.port}",
                                 "--pieces", a.files])
        print(f"on a cluster: {seconds:.1f} s, peak {most:.2f} GB; "
              + ", ".join(f"{name} {peak(process.pid):.2f} GB" for name, process in cluster.all.items()), flush=True)
    seconds, most = watched([a.alone, "run", pipeline, "--out", a.folder / "alone", "-q"])
    print(f"on one machine: {seconds:.1f} s, peak {most:.2f} GB", flush=True)
    outputs = [{output["path"]: output["sha256"] for output in json.load(open(a.folder / name / "manifest.json"))["outputs"]} for name in ("shared", "alone")]
    print("the same bytes" if outputs[0] == outputs[1] else f"DIFFERENT: {[p for p in outputs[0] if outputs[0][p] != outputs[1].get(p)]}")
    for name in ("shared", "alone"):
        timing = json.load(open(a.folder / name / "manifest.json"))["timing"]
        print(name, timing)
    sys.exit(outputs[0] != outputs[1])


if __name__ == "__main__":
    main()
