"""All levers and pairs of many clusters, beside the other stages of the run (synthetic, seeded: for timing only).

    cargo build --release
    python benches/levers.py [--clusters 20000]

Clusters come as figures alone, one for each of the default catalogue's twenty indicators, in two periods, so that the run scores, classifies, finds
all levers and pairs, and splits every change over its indicators. The tree, its goalposts and its aggregation are those of
pipelines/base/rattle-taylor.toml.
"""
import argparse, json, math, os, random, subprocess, tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "target", "bench-data", "levers")
BINARY = os.path.join(HERE, "..", "target", "release", "forerunner")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--clusters", type=int, default=20_000)
    parser.add_argument("--periods", type=int, default=1)
    arguments = parser.parse_args()
    os.makedirs(DATA, exist_ok=True)
    base = tomllib.load(open(os.path.join(HERE, "..", "pipelines", "base", "rattle-taylor.toml"), "rb"))
    draw = random.Random(1)

    def value(indicator):
        low, high = sorted((indicator["worst"], indicator["best"]))
        if indicator.get("scale") == "log":
            return math.exp(draw.uniform(math.log(low), math.log(high)))
        return draw.uniform(low, high)

    names = [indicator["id"] for indicator in base["indicators"]]
    with open(os.path.join(DATA, "figures.csv"), "w") as file:
        file.write("cluster,period," + ",".join(names) + "\n")
        for cluster in range(arguments.clusters):
            for period in range(arguments.periods):
                cells = ",".join(f"{value(indicator):.6g}" for indicator in base["indicators"])
                file.write(f"k{cluster:06},{2020 + period},{cells}\n")
    up = os.path.relpath(os.path.join(HERE, "..", "pipelines", "base", "rattle-taylor.toml"), DATA)
    with open(os.path.join(DATA, "pipeline.toml"), "w") as file:
        file.write(f'name = "levers"\nextends = "{up}"\n[figures.all]\npath = "figures.csv"\nshape = "wide"\n')
        file.write('columns = { cluster = "cluster", period = "period" }\n[outputs]\ntables = ["parquet"]\nlayers = []\nreport = false\n')
        for name in names:
            file.write(f'[[indicators]]\nid = "{name}"\nover = "clusters"\nexpr = "{name}"\n')
    out = os.path.join(DATA, "out")
    subprocess.run([BINARY, "run", os.path.join(DATA, "pipeline.toml"), "--out", out, "-q"], check=True)
    for stage, seconds in json.load(open(os.path.join(out, "manifest.json")))["timing"]:
        print(f"{stage:12}{seconds:8.2f} s")


if __name__ == "__main__":
    main()
