"""The uncertainty stage beside the same vectorised in numpy, whole commands in one run (synthetic, seeded: for timing only).

    cargo build --release
    python benches/uncertainty.py [--clusters 10000] [--replicates 1000] [--facilities 100000] [--part choices|data]

choices: clusters with the catalogue's twenty indicators; weights, goalposts, aggregation and thresholds are drawn; probabilities of
types, quantiles of both dimensions, rank intervals. numpy does the same, one vectorised pass a replicate. Also with one thread.
data: facilities and three layers, no ties; emissions and coordinates are drawn, everything is measured anew in every replicate.
"""
import argparse, json, math, os, random, subprocess, sys, time, tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "target", "bench-data", "uncertainty")
BINARY = os.path.join(HERE, "..", "target", "release", "forerunner")
BASE = os.path.join(HERE, "..", "pipelines", "base", "rattle-taylor.toml")


def catalogue():
    return tomllib.load(open(BASE, "rb"))


def write_clusters(folder, clusters, replicates):
    os.makedirs(folder, exist_ok=True)
    indicators, draw = catalogue()["indicators"], random.Random(1)

    def value(indicator):
        low, high = sorted((indicator["worst"], indicator["best"]))
        if indicator.get("scale") == "log":
            return math.exp(draw.uniform(math.log(low), math.log(high)))
        return draw.uniform(low, high)

    names = [indicator["id"] for indicator in indicators]
    with open(os.path.join(folder, "figures.csv"), "w") as file:
        file.write("cluster," + ",".join(names) + "\n")
        for cluster in range(clusters):
            file.write(f"k{cluster:06}," + ",".join(f"{value(indicator):.6g}" for indicator in indicators) + "\n")
    with open(os.path.join(folder, "pipeline.toml"), "w") as file:
        file.write(f'name = "choices"\nextends = "{os.path.relpath(BASE, folder)}"\n[figures.all]\npath = "figures.csv"\nshape = "wide"\n')
        file.write('columns = { cluster = "cluster" }\n[outputs]\ntables = ["parquet"]\nlayers = []\nreport = false\n')
        file.write(f"[uncertainty]\nreplicates = {replicates}\n")
        for name in names:
            file.write(f'[[indicators]]\nid = "{name}"\nover = "clusters"\nexpr = "{name}"\n')


def numpy_peer(folder, replicates):
    """Prints the seconds of the draws and of the summary, and the mean probability of each type."""
    import numpy as np
    base, rng = catalogue(), np.random.default_rng(1)
    indicators = base["indicators"]
    values = np.genfromtxt(os.path.join(folder, "figures.csv"), delimiter=",", skip_header=1)[:, 1:]
    began = time.perf_counter()
    log = np.array([indicator.get("scale") == "log" for indicator in indicators])
    scaled = np.where(log, np.log(np.where(log, values, 1.0)), values)
    posts = np.array([[i["worst"], i.get("crossover", (i["worst"] + i["best"]) / 2), i["best"]] for i in indicators], float)
    parents = [component for component in base["components"]]
    under = {c["id"]: [k for k, i in enumerate(indicators) if i["parent"] == c["id"]] for c in parents}
    tops = {d["id"]: [c["id"] for c in parents if c["parent"] == d["id"]] for d in base["dimensions"]}
    weight = {c["id"]: c.get("weight", 1.0) for c in parents}
    own = np.array([indicator.get("weight", 1.0) for indicator in indicators])
    span = np.abs(posts[:, 2] - posts[:, 0])[:, None]
    alternatives = {"locational_advantage": (["geometric", "arithmetic", "minimum"], [0.6, 0.2, 0.2]),
                    "inter_firm_linkages": (["arithmetic", "geometric"], [0.8, 0.2])}
    n = len(values)
    kept = np.empty((2, replicates, n))
    counts = np.zeros((n, 4), int)

    def dirichlet(weights):
        return rng.dirichlet(10 * len(weights) * weights / weights.sum())

    for replicate in range(replicates):
        while True:
            step = rng.normal(0, 0.2, posts.shape)
            moved = np.where((posts == 0) & ~log[:, None], step * span, posts * np.exp(step))
            rises = posts[:, 2] > posts[:, 0]
            good = np.where(rises, (moved[:, 0] < moved[:, 1]) & (moved[:, 1] < moved[:, 2]), (moved[:, 0] > moved[:, 1]) & (moved[:, 1] > moved[:, 2]))
            if good.all():
                break
            posts_bad = ~good
            moved = np.where(posts_bad[:, None], posts, moved)
            break
        moved = np.where(log[:, None], np.log(np.where(log[:, None], moved, 1.0)), moved)
        w, c, b = moved.T
        lower = (scaled <= c) == (b > w)
        score = np.clip(np.where(lower, 50 * (scaled - w) / (c - w), 50 + 50 * (scaled - c) / (b - c)), 0, 100)
        levels = []
        for d, (dimension, components) in enumerate(tops.items()):
            parts = np.column_stack([score[:, under[c]] @ dirichlet(own[under[c]]) for c in components])
            weights = dirichlet(np.array([weight[c] for c in components])) if len(components) > 1 else np.ones(1)
            names, chances = alternatives[dimension]
            how = rng.choice(names, p=chances)
            if how == "arithmetic":
                total = parts @ weights
            elif how == "geometric":
                total = np.exp(np.log(np.maximum(parts, 1.0)) @ weights)
            else:
                total = parts.min(axis=1)
            kept[d, replicate] = total
            levels.append(total >= rng.triangular(45, 50, 55))
        kind = np.where(levels[0], np.where(levels[1], 0, 2), np.where(levels[1], 1, 3))
        counts[np.arange(n), kind] += 1
    drawn = time.perf_counter()
    for dimension in kept:
        np.quantile(dimension, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0)
        ranks = np.empty_like(dimension)
        for replicate, scores in enumerate(dimension):
            ranks[replicate, np.argsort(-scores)] = np.arange(1, n + 1)
        np.quantile(ranks, [0.05, 0.95], axis=0)
    done = time.perf_counter()
    shares = (counts / replicates).mean(axis=0)
    print(json.dumps({"draws": drawn - began, "summary": done - drawn, "p": [round(share, 4) for share in shares]}))


def write_country(folder, facilities, replicates):
    """Facilities around centres and spread evenly, and three layers, in the box of Western Europe."""
    import numpy as np
    os.makedirs(folder, exist_ok=True)
    r = np.random.default_rng(1)
    centres = max(1, facilities // 150)
    cx, cy = r.uniform(-9.5, 16, centres), r.uniform(36, 59, centres)
    at, even = r.integers(0, centres, facilities), r.random(facilities) < 0.3
    lat = np.where(even, r.uniform(36, 59, facilities), cy[at] + r.normal(0, 0.036, facilities))
    lon = np.where(even, r.uniform(-9.5, 16, facilities), cx[at] + r.normal(0, 0.05, facilities))
    tonnes = np.exp(r.normal(9.5, 1.8, facilities))
    with open(os.path.join(folder, "facilities.csv"), "w") as file:
        file.write("id,lon,lat,emissions_t\n")
        file.writelines(f"F{i},{lon[i]:.6f},{lat[i]:.6f},{tonnes[i]:.2f}\n" for i in range(facilities))
    for name, count in [("storage", max(20, facilities // 5000)), ("ports", max(50, facilities // 500))]:
        with open(os.path.join(folder, f"{name}.csv"), "w") as file:
            file.write("id,lon,lat\n")
            file.writelines(f"{name}{i},{r.uniform(-9.5, 16):.6f},{r.uniform(36, 59):.6f}\n" for i in range(count))
    with open(os.path.join(folder, "pipelines.csv"), "w") as file:
        file.write("id,wkt\n")
        for i in range(max(20, facilities // 2000)):
            walk = np.column_stack([r.uniform(-9.5, 16) + np.cumsum(r.normal(0, 0.2, 8)), r.uniform(36, 59) + np.cumsum(r.normal(0, 0.2, 8))])
            line = ", ".join(f"{x:.6f} {y:.6f}" for x, y in walk)
            file.write(f'P{i},"LINESTRING ({line})"\n')
    with open(os.path.join(folder, "pipeline.toml"), "w") as file:
        file.write(COUNTRY.replace("REPLICATES", str(replicates)))


COUNTRY = """name = "data"
[facilities]
path = "facilities.csv"
columns = { id = "id", x = "lon", y = "lat", emissions_t = "emissions_t" }
[layers.co2_storage]
path = "storage.csv"
columns = { id = "id", x = "lon", y = "lat" }
[layers.ports]
path = "ports.csv"
columns = { id = "id", x = "lon", y = "lat" }
[layers.pipelines]
path = "pipelines.csv"
columns = { id = "id", geometry = "wkt" }
[delineate]
method = "dbscan"
radius_km = 5
min_facilities = 5
[[dimensions]]
id = "place"
[[indicators]]
id = "storage"
parent = "place"
expr = "SUM(emissions_t * km_to_co2_storage) / SUM(emissions_t)"
worst = 300
best = 20
[[indicators]]
id = "port"
parent = "place"
expr = "SUM(emissions_t * km_to_ports) / SUM(emissions_t)"
worst = 100
best = 5
[[indicators]]
id = "pipeline"
parent = "place"
expr = "SUM(emissions_t * km_to_pipelines) / SUM(emissions_t)"
worst = 200
best = 10
[[indicators]]
id = "size"
parent = "place"
expr = "SUM(emissions_t)"
worst = 1e4
best = 1e7
scale = "log"
[outputs]
tables = ["parquet"]
layers = []
report = false
[uncertainty]
replicates = REPLICATES
weights = false
goalposts = false
thresholds = false
"""


def ours(folder, threads=None):
    """Seconds of the whole command and of its uncertainty stage, peak memory in MB."""
    out = os.path.join(folder, "out")
    command = [BINARY, "run", os.path.join(folder, "pipeline.toml"), "--out", out, "-q"]
    command += ["--threads", str(threads)] if threads else []
    began = time.perf_counter()
    run = subprocess.run(["/usr/bin/time", "-f", "%M", *command], check=True, capture_output=True, text=True)
    took = time.perf_counter() - began
    stages = dict(json.load(open(os.path.join(out, "manifest.json")))["timing"])
    return took, stages["uncertainty"], int(run.stderr.split()[-1]) / 1024


def choices(arguments):
    folder = os.path.join(DATA, "choices")
    write_clusters(folder, arguments.clusters, arguments.replicates)
    what = f"{arguments.replicates} replicates on {arguments.clusters} clusters x 20 indicators"
    whole, stage, memory = min(ours(folder) for _ in range(3))
    alone, stage_alone, _ = min(ours(folder, 1) for _ in range(2))
    command = [sys.executable, os.path.abspath(__file__), "--peer", folder, "--replicates", str(arguments.replicates)]
    began = time.perf_counter()
    peer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    took = time.perf_counter() - began
    print(f"{what}\n  forerunner  whole {whole:6.2f} s   stage {stage:6.2f} s   {memory:.0f} MB")
    print(f"  one thread  whole {alone:6.2f} s   stage {stage_alone:6.2f} s   two threads are {stage_alone / stage:.2f} times as fast")
    print(f"  numpy       whole {took:6.2f} s   draws and summary {peer['draws'] + peer['summary']:.2f} s   mean p {peer['p']}")
    print(f"  numpy takes {took / whole:.1f} times as long whole, {(peer['draws'] + peer['summary']) / stage:.1f} times for draws and summary")


def data(arguments):
    folder = os.path.join(DATA, "data")
    replicates = min(arguments.replicates, 200)
    write_country(folder, arguments.facilities, replicates)
    whole, stage, memory = ours(folder)
    print(f"{replicates} replicates with emissions and coordinates at {arguments.facilities} facilities, three layers")
    print(f"  forerunner  whole {whole:6.2f} s   stage {stage:6.2f} s   {memory:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--clusters", type=int, default=10_000)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--facilities", type=int, default=100_000)
    parser.add_argument("--part", choices=["choices", "data"])
    parser.add_argument("--peer")
    given = parser.parse_args()
    if given.peer:
        numpy_peer(given.peer, given.replicates)
        sys.exit()
    if given.part != "data":
        choices(given)
    if given.part != "choices":
        data(given)
