"""Clusters and distances at scale, side by side: `forerunner run` against scikit-learn and GeoPandas on the same files
(synthetic, seeded: for timing only).

    cargo build --release
    pip install numpy pandas scikit-learn geopandas
    python benches/spatial.py --facilities 100000 1000000 10000000 --peer-up-to 1000000 --dense

Per size: seconds for the clusters (great-circle DBSCAN, 5 km, 5 facilities) and for the distances of every facility to the nearest of
some stores, ports (points) and pipelines (lines), and the peak memory of the whole process. The peer takes distances to points on a
sphere and distances to lines in a projection, as is usual; forerunner takes geodesics of WGS 84. forerunner's process also reads with a
contract, measures all figures of every cluster and writes its tables; the peer's reads the columns it needs, and no more.

--dense adds 12 spots of 15,000 points each, all within reach of one another, where scikit-learn holds every pair (19 GB).
Processes take turns; with --times 3 the median counts. Files stay in target/bench-data.
"""
import argparse, json, os, re, resource, statistics, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "target", "bench-data")
BINARY = os.path.join(HERE, "..", "target", "release", "forerunner")
WEST, EAST, SOUTH, NORTH = -9.5, 16.0, 36.0, 59.0

PIPELINE = """name = "spatial"
[facilities]
path = "facilities.csv"
columns = {{ id = "id", x = "lon", y = "lat"{more} }}
{layers}
[delineate]
method = "dbscan"
radius_km = {radius}
min_facilities = {least}
[[dimensions]]
id = "size"
[[components]]
id = "c"
parent = "size"
[[indicators]]
id = "i"
parent = "c"
over = "clusters"
expr = "facility_count"
worst = 0
best = 10
[outputs]
tables = ["parquet"]
layers = []
report = false
"""
LAYERS = """
[layers.stores]
path = "stores.csv"
columns = { id = "id", x = "lon", y = "lat" }
[layers.ports]
path = "ports.csv"
columns = { id = "id", x = "lon", y = "lat" }
[layers.pipelines]
path = "pipelines.csv"
columns = { id = "id", geometry = "wkt" }
"""


def write_country(folder, count):
    """Seven in ten facilities around one centre for every 150 (spread 4 km), the others anywhere."""
    import numpy as np
    random = np.random.default_rng(7)
    centres = max(1, count // 150)
    at = random.integers(0, centres, count)
    lon, lat = random.uniform(WEST, EAST, centres)[at], random.uniform(SOUTH, NORTH, centres)[at]
    lat = lat + random.normal(0, 4 / 111.2, count)
    lon = lon + random.normal(0, 4 / 111.2, count) / np.cos(np.radians(lat))
    alone = random.random(count) < 0.3
    lon, lat = np.where(alone, random.uniform(WEST, EAST, count), lon), np.where(alone, random.uniform(SOUTH, NORTH, count), lat)
    tonnes, sector, operator = np.exp(random.normal(9.5, 1.8, count)), random.integers(0, 25, count), random.integers(0, count // 3 + 1, count)
    with open(f"{folder}/facilities.csv", "w") as file:
        file.write("id,name,operator,lon,lat,sector,year,tonnes\n")
        for start in range(0, count, 100_000):
            rows = zip(range(start, count), operator[start:start + 100_000], lon[start:], lat[start:], sector[start:], tonnes[start:])
            file.writelines(f"F{i:09d},Site {i},Operator {o},{x:.6f},{y:.6f},sector {s},2022,{t:.2f}\n" for i, o, x, y, s, t in rows)
    for name, number in [("stores", max(20, count // 5000)), ("ports", max(20, count // 500))]:
        with open(f"{folder}/{name}.csv", "w") as file:
            file.write("id,lon,lat\n")
            file.writelines(f"{name}{i},{random.uniform(WEST, EAST):.6f},{random.uniform(SOUTH, NORTH):.6f}\n" for i in range(number))
    with open(f"{folder}/pipelines.csv", "w") as file:
        file.write("id,wkt\n")
        for i in range(max(20, min(count // 100, 20_000))):
            bends = int(random.integers(5, 50))
            x = random.uniform(WEST, EAST) + np.cumsum(random.normal(0, 0.05, bends))
            y = random.uniform(SOUTH, NORTH) + np.cumsum(random.normal(0, 0.05, bends))
            file.write(f'L{i},"LINESTRING ({", ".join(f"{a:.6f} {b:.6f}" for a, b in zip(x, y))})"\n')
    more = ', name = "name", operator = "operator", sector = "sector", year = "year", emissions_t = "tonnes"'
    write_pipeline(folder, more, LAYERS, 5, 5)


def write_dense(folder):
    """Spots of 15 m spread, radius 40 m: every point has nearly all 15,000 of its spot as neighbours."""
    import numpy as np
    random = np.random.default_rng(3)
    with open(f"{folder}/facilities.csv", "w") as file:
        file.write("id,lon,lat\n")
        for spot in range(12):
            lon, lat = random.uniform(-8, 2), random.uniform(50, 58)
            y = lat + random.normal(0, 15 / 111_195, 15_000)
            x = lon + random.normal(0, 15 / 111_195, 15_000) / np.cos(np.radians(lat))
            file.writelines(f"p{spot}-{i},{a:.9f},{b:.9f}\n" for i, (a, b) in enumerate(zip(x, y)))
    write_pipeline(folder, "", "", 0.04, 10)


def write_pipeline(folder, more, layers, radius, least):
    with open(f"{folder}/pipeline.toml", "w") as file:
        file.write(PIPELINE.format(more=more, layers=layers, radius=radius, least=least))


def peer(folder, radius, least):
    """In a process of its own: prints what it took, as JSON."""
    import numpy as np, pandas as pd
    from sklearn.cluster import DBSCAN
    from sklearn.neighbors import BallTree
    sphere = 6371.0088
    sites = pd.read_csv(f"{folder}/facilities.csv")
    places = np.radians(sites[["lat", "lon"]].to_numpy())
    start = time.perf_counter()
    labels = DBSCAN(eps=radius / sphere, min_samples=least, metric="haversine", algorithm="ball_tree", n_jobs=-1).fit_predict(places)
    clusters, middle = int(labels.max()) + 1, time.perf_counter()
    if os.path.exists(f"{folder}/pipelines.csv"):
        import geopandas as gpd
        for name in ("stores", "ports"):
            points = pd.read_csv(f"{folder}/{name}.csv")
            km = BallTree(np.radians(points[["lat", "lon"]].to_numpy()), metric="haversine").query(places, k=1)[0] * sphere
        lines = gpd.GeoSeries.from_wkt(pd.read_csv(f"{folder}/pipelines.csv").wkt, crs=4326).to_crs(3035)
        points = gpd.GeoSeries.from_xy(sites.lon, sites.lat, crs=4326).to_crs(3035)
        km = lines.sindex.nearest(points, return_all=False, return_distance=True)[1] / 1000
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"clusters": clusters, "delineate": middle - start, "distances": end - middle, "bytes": peak}))


def forerunner(folder):
    start = time.perf_counter()
    child = subprocess.Popen([BINARY, "run", f"{folder}/pipeline.toml", "--out", f"{folder}/out", "-v"], stderr=subprocess.PIPE, text=True)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(said)
    took = dict(json.load(open(f"{folder}/out/manifest.json"))["timing"])
    distances = float(re.search(r"distances.*?seconds.*?([0-9.e-]+)\s*$", said, re.M).group(1))
    clusters = json.load(open(f"{folder}/out/manifest.json"))["periods"][0]["clusters"]
    return {"clusters": clusters, "delineate": took["delineate"], "distances": distances, "bytes": usage.ru_maxrss * 1024,
            "whole": time.perf_counter() - start}


def scikit(folder, radius, least):
    start = time.perf_counter()
    ran = subprocess.run([sys.executable, __file__, "--peer", folder, str(radius), str(least)], stdout=subprocess.PIPE, text=True)
    if ran.returncode:
        return None
    return {**json.loads(ran.stdout), "whole": time.perf_counter() - start}


def median(runs):
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def line(what, count, who, took):
    print(f"| {what} | {count:,} | {who} | {took['clusters']:,} | {took['delineate']:.2f} | {took['distances']:.2f} | {took['whole']:.2f} | {took['bytes'] / 1e9:.2f} |", flush=True)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--facilities", type=int, nargs="*", default=[100_000, 1_000_000])
    arguments.add_argument("--peer-up-to", type=int, default=1_000_000)
    arguments.add_argument("--dense", action="store_true")
    arguments.add_argument("--times", type=int, default=1)
    arguments.add_argument("--peer", nargs=3, help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.peer:
        return peer(asked.peer[0], float(asked.peer[1]), int(asked.peer[2]))
    print("| data | facilities | program | clusters | clusters, s | distances, s | whole process, s | peak, GB |\n|---|---|---|---|---|---|---|---|")
    cases = [("country", count, 5, 5) for count in asked.facilities] + ([("dense", 180_000, 0.04, 10)] if asked.dense else [])
    for what, count, radius, least in cases:
        folder = os.path.join(DATA, f"spatial-{what}-{count}")
        os.makedirs(folder, exist_ok=True)
        if not os.path.exists(f"{folder}/pipeline.toml"):
            write_dense(folder) if what == "dense" else write_country(folder, count)
        with_peer = what == "dense" or count <= asked.peer_up_to
        ours, theirs = [], []
        for _ in range(asked.times):
            ours.append(forerunner(folder))
            if with_peer:
                theirs.append(scikit(folder, radius, least))
        line(what, count, "forerunner", median(ours))
        if with_peer and None in theirs:
            print(f"| {what} | {count:,} | scikit-learn, GeoPandas | did not finish | | | | |", flush=True)
        elif with_peer:
            a, b = median(ours), median(theirs)
            line(what, count, "scikit-learn, GeoPandas", b)
            times = lambda key: f"{b[key] / a[key]:.0f}x" if what == "country" or key == "delineate" else ""
            both = (b["delineate"] + b["distances"]) / (a["delineate"] + a["distances"])
            print(f"| {what} | {count:,} | ratio | | {times('delineate')} | {times('distances')} | both {both:.1f}x | |", flush=True)


main()
