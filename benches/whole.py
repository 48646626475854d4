"""The whole pipeline, side by side: `forerunner run` against the script that one would write with GeoPandas, scikit-learn, networkx and
numpy, on the same files (synthetic, seeded: for timing only).

    cargo build --release
    pip install numpy pandas pyarrow scikit-learn geopandas networkx
    python benches/whole.py --facilities 100000 1000000 10000000 --peer-up-to 1000000 --times 3

Data: benches/peers/generate.py (facilities, three layers, three links a facility, of two kinds). Ours: benches/peers/whole.toml. Theirs:
benches/peers/geopandas_sklearn.py with 1,000 replicates of weights. Processes take turns; medians count. Every run of ours begins without
anything kept of another. What ours does beside stays in its time: contract, quarantine and accounts; geodesics on the ellipsoid; eighteen
figures a network (the script has four), multiplexity, modularity; trial rules for dispersed sites; ties.csv with the line of every tie;
a cache for the next run; hashes of all that is read and written.

--draws N gives ours N draws of weights, goalposts and thresholds too. --threads 1 2 shows what the second thread brings.
Files stay in target/bench-data.
"""
import argparse, json, os, re, resource, shutil, statistics, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "target", "bench-data")
BINARY = os.path.join(HERE, "..", "target", "release", "forerunner")
PEERS = os.path.join(HERE, "peers")
# Peak memory: so many bytes of the program, of a facility (with its row, its distances and what is written of it), and of a link (with its
# end's names, its ties in two directions and its line in ties.csv). docs/performance.md has the same figures.
MEMORY = {"program": 250e6, "facility": 800, "link": 220}
STAGES = ["validate", "delineate", "measure", "score", "classify", "uncertainty", "report"]


def timed(command, **options):
    """Seconds, peak memory in bytes, and what it printed."""
    before = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed: {said}")
    return time.perf_counter() - before, usage.ru_maxrss * 1024, said


def ours(folder, draws, threads=None):
    for left in ["out", ".out.cache"]:
        shutil.rmtree(f"{folder}/{left}", ignore_errors=True)
    more = ["--set", f"uncertainty={{replicates={draws}}}"] if draws else []
    more += ["--threads", str(threads)] if threads else []
    seconds, peak, _ = timed([BINARY, "-q", "run", f"{folder}/whole.toml", "--out", f"{folder}/out", *more])
    manifest = json.load(open(f"{folder}/out/manifest.json"))
    stages = {stage: took for stage, took in manifest["timing"] if stage in STAGES}
    return {"seconds": seconds, "peak": peak, **stages}


def theirs(folder, links):
    command = [sys.executable, f"{PEERS}/geopandas_sklearn.py", folder, "--replicates", "1000"] + ([] if links else ["--skip-network"])
    seconds, peak, said = timed(command)
    laps = {name: float(took) for name, took in re.findall(r"^(\w+) +([0-9.]+) s", said, re.M)}
    # Its own clock starts after its imports.
    return {"seconds": laps["total"], "peak": peak, "process": seconds}


def median(runs):
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--facilities", type=int, nargs="*", default=[100_000, 1_000_000])
    arguments.add_argument("--peer-up-to", type=int, default=1_000_000)
    arguments.add_argument("--times", type=int, default=3)
    arguments.add_argument("--draws", type=int, default=0)
    arguments.add_argument("--threads", type=int, nargs="*", default=[])
    asked = arguments.parse_args()
    row("facilities", "links", "program", "seconds", "peak, GB", *STAGES)
    row(*["---"] * (5 + len(STAGES)))
    too_large = 0
    for count in asked.facilities:
        folder = os.path.join(DATA, f"whole-{count}")
        if not os.path.exists(f"{folder}/links.csv"):
            subprocess.run([sys.executable, f"{PEERS}/generate.py", "--facilities", str(count), "--out", folder], check=True)
        shutil.copy(f"{PEERS}/whole.toml", folder)
        has_peer = count <= asked.peer_up_to
        a, b = [], []
        for _ in range(asked.times):
            a.append(ours(folder, asked.draws))
            if has_peer:
                b.append(theirs(folder, True))
        a = median(a)
        sizes = (f"{count:,}", f"{3 * count:,}")
        row(*sizes, "forerunner", f"{a['seconds']:.1f}", f"{a['peak'] / 1e9:.2f}", *[f"{a.get(stage, 0):.2f}" for stage in STAGES])
        if has_peer:
            b = median(b)
            row(*sizes, "GeoPandas, scikit-learn, networkx", f"{b['seconds']:.1f}", f"{b['peak'] / 1e9:.2f}", *[""] * len(STAGES))
            row(*sizes, "ratio", f"{b['seconds'] / a['seconds']:.1f}x", f"{a['peak'] / b['peak']:.2f} of its", *[""] * len(STAGES))
        for threads in asked.threads:
            one = median([ours(folder, asked.draws, threads) for _ in range(asked.times)])
            row(*sizes, f"forerunner, {threads} threads", f"{one['seconds']:.1f}", f"{one['peak'] / 1e9:.2f}", *[f"{one.get(stage, 0):.2f}" for stage in STAGES])
        allowed = MEMORY["program"] + MEMORY["facility"] * count + MEMORY["link"] * 3 * count
        print(f"memory: {a['peak'] / count:,.0f} bytes a facility with its three links; {a['peak'] / allowed:.2f} of what the formula allows", file=sys.stderr)
        too_large += a["peak"] > allowed
    sys.exit(too_large)


main()
