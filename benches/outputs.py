"""All outputs at scale: `forerunner run` over a synthetic register (seeded; for timing only) with every format, and beside it
GeoPandas writing the layer of facilities as a GeoPackage and as GeoJSON from the run's own GeoParquet.

    cargo build --release
    pip install numpy pandas geopandas pyarrow
    python benches/outputs.py --peer

Tells the seconds of every stage, the size of every file and the peak memory of the whole process; with --peer the seconds that
GeoPandas takes for two of the files. Files stay in target/bench-data.
"""
import argparse, json, os, resource, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "target", "bench-data")
BINARY = os.path.join(HERE, "..", "target", "release", "forerunner")

PIPELINE = """name = "outputs"
title = "Synthetic: for timing only"
[facilities]
path = "facilities.csv"
columns = { id = "id", name = "name", operator = "operator", sector = "sector", x = "lon", y = "lat", emissions_t = "t" }
[layers.ports]
path = "ports.csv"
columns = { id = "id", x = "lon", y = "lat" }
[links.trade]
path = "links.csv"
kind = "formal"
between = "facility"
columns = { from = "a", to = "b" }
[delineate]
method = "dbscan"
radius_km = 2
min_facilities = 5
[[dimensions]]
id = "locational_advantage"
[[dimensions]]
id = "inter_firm_linkages"
[[indicators]]
id = "scale"
parent = "locational_advantage"
expr = "SUM(emissions_t)"
worst = 0
crossover = 1000000
best = 5000000
[[indicators]]
id = "port"
parent = "locational_advantage"
expr = "MIN(km_to_ports)"
unit = "km"
worst = 300
crossover = 100
best = 10
[[indicators]]
id = "tied"
parent = "inter_firm_linkages"
over = "clusters"
expr = "linked_share_formal"
worst = 0
best = 1
[outputs]
tables = ["csv", "parquet", "xlsx"]
layers = ["gpkg", "geojson", "flatgeobuf"]
"""


def make(folder, facilities, clusters):
    import numpy as np, pandas as pd

    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "pipeline.toml"), "w") as out:
        out.write(PIPELINE)
    if os.path.exists(os.path.join(folder, "links.csv")):
        return
    r = np.random.default_rng(8)
    x, y = r.uniform(-9.5, 16, clusters), r.uniform(36, 59, clusters)
    of, apart = r.integers(0, clusters, facilities), r.random(facilities) < 0.3
    lat = np.where(apart, r.uniform(36, 59, facilities), y[of] + r.normal(0, 1 / 111.2, facilities))
    lon = np.where(apart, r.uniform(-9.5, 16, facilities), x[of] + r.normal(0, 1 / 75, facilities))
    ids = np.char.mod("F%07d", np.arange(facilities))
    sectors = np.array(["cement", "steel", "refining", "chemicals", "glass", "paper", "food", "ceramics"])
    pd.DataFrame({
        "id": ids, "name": np.char.add("Site ", ids), "operator": np.char.mod("Operator %d", r.integers(0, facilities // 3, facilities)),
        "sector": sectors[r.integers(0, len(sectors), facilities)], "lon": lon.round(6), "lat": lat.round(6),
        "t": np.exp(r.normal(9.5, 1.8, facilities)).round(2),
    }).to_csv(os.path.join(folder, "facilities.csv"), index=False)
    pd.DataFrame({"id": range(800), "lon": r.uniform(-9.5, 16, 800), "lat": r.uniform(36, 59, 800)}).to_csv(os.path.join(folder, "ports.csv"), index=False)
    inside = np.flatnonzero(~apart)
    inside = inside[np.argsort(of[inside], kind="stable")]
    pairs = r.integers(0, len(inside) - 3, facilities // 5)
    pd.DataFrame({"a": ids[inside[pairs]], "b": ids[inside[pairs + 2]]}).to_csv(os.path.join(folder, "links.csv"), index=False)


def peer(out):
    import geopandas

    frame = geopandas.read_parquet(os.path.join(out, "facilities.parquet"))
    for name, driver in [("peer.gpkg", "GPKG"), ("peer.geojson", "GeoJSON")]:
        start, path = time.time(), os.path.join(out, "..", name)
        frame.to_file(path, driver=driver)
        print(f"  GeoPandas, facilities alone as {driver}: {time.time() - start:.1f} s, {os.path.getsize(path) / 1e6:.0f} MB")
        os.remove(path)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--facilities", type=int, default=1_000_000)
    a.add_argument("--clusters", type=int, default=25_000)
    a.add_argument("--only", nargs="*", help="overrides of the pipeline file, as KEY=VALUE")
    a.add_argument("--peer", action="store_true")
    o = a.parse_args()
    folder = os.path.join(DATA, f"outputs-{o.facilities}")
    make(folder, o.facilities, o.clusters)
    out = os.path.join(folder, "out")
    sets = [part for value in o.only or [] for part in ("--set", value)]
    start = time.time()
    subprocess.run([BINARY, "run", os.path.join(folder, "pipeline.toml"), "-q", "--out", out, *sets], check=True)
    seconds, peak = time.time() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    manifest = json.load(open(os.path.join(out, "manifest.json")))
    print(f"{o.facilities} facilities, {manifest['periods'][0]['clusters']} clusters: {seconds:.1f} s, {peak:.2f} GiB at most")
    print("  " + ", ".join(f"{stage} {lap:.1f} s" for stage, lap in manifest["timing"]))
    print("  " + ", ".join(f"{file['path']} {file['bytes'] / 1e6:.0f} MB" for file in manifest["outputs"] if file["bytes"] > 1e6))
    if o.peer:
        peer(out)


if __name__ == "__main__":
    sys.exit(main())
