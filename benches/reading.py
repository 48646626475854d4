"""Reading at scale, side by side: `forerunner check` against polars alone on the same file (synthetic, seeded).

    cargo build --release
    pip install polars
    python benches/reading.py --rows 10000000 --bad 0.01 --times 3

polars alone scans the CSV, infers types and writes Parquet (streaming); forerunner reads and checks every cell, converts
units, accounts for rows and tonnes, checks keys and a contract, and describes the columns. Each is a process of its own;
they take turns. Printed: seconds and peak memory of each, and the ratio of the medians. Give --rows twice to see that
memory does not grow with the file.
"""
import argparse, os, statistics, subprocess, sys, time

COLUMNS = ["facility_id", "facility_name", "operator", "lon", "lat", "sector", "year", "emissions_t", "capacity_mw", "employees",
           "production_t", "fuel", "city", "postcode", "permitted", "so2_kg", "nox_kg", "heat_mw", "region", "reviewed"]

PIPELINE = """name = "reading"
[facilities]
path = "{path}"
[facilities.columns]
id = "facility_id"
name = "facility_name"
operator = "operator"
x = "lon"
y = "lat"
sector = "sector"
year = "year"
emissions_t = {{ column = "emissions_t", unit = "t" }}
capacity_mw = {{ column = "capacity_mw", unit = "kW" }}
employees = "employees"
production_t = {{ column = "production_t", unit = "kt" }}
fuel = "fuel"
city = "city"
postcode = "postcode"
permitted = "permitted"
so2_t = {{ column = "so2_kg", unit = "kg" }}
nox_t = {{ column = "nox_kg", unit = "kg" }}
heat_mw = "heat_mw"
region = "region"
reviewed = "reviewed"
[facilities.contract]
max_rejected = 0.05
emissions_t = {{ min = 0, max = 100000000 }}
year = {{ min = 1990, max = 2100, required = true }}
[delineate]
method = "dbscan"
radius_km = 10
min_facilities = 5
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
"""


def generate(path, rows, bad):
    """Writes the register in chunks; one row in 1/bad has a cell that does not read or breaks the contract."""
    import polars as pl
    sectors, fuels = ["cement", "steel", "refining", "chemicals", "glass", "paper"], ["gas", "coal", "oil", "biomass"]
    with open(path, "wb") as file:
        for start in range(0, rows, 500_000):
            n = min(500_000, rows - start)
            i = pl.int_range(start, start + n, eager=True).alias("i")
            h = lambda seed: (i.hash(seed) % 1_000_003).cast(pl.Float64) / 1_000_003
            frame = pl.DataFrame({
                "facility_id": "F" + i.cast(pl.String).str.zfill(9), "facility_name": "Site " + i.cast(pl.String),
                "operator": "Operator " + (i.hash(1) % 100_000).cast(pl.String), "lon": (h(2) * 25 - 9).round(6), "lat": (h(3) * 23 + 36).round(6),
                "sector": (i.hash(4) % 6).cast(pl.Int64).replace_strict(list(range(6)), sectors), "year": pl.Series([2022] * n), "emissions_t": (h(5) * 50_000).round(2),
                "capacity_mw": (h(6) * 90_000).round(1), "employees": (h(7) * 5000).cast(pl.Int64), "production_t": (h(8) * 900).round(3),
                "fuel": (i.hash(9) % 4).cast(pl.Int64).replace_strict(list(range(4)), fuels), "city": "Town " + (i.hash(10) % 5000).cast(pl.String),
                "postcode": (i.hash(11) % 99_999).cast(pl.String).str.zfill(5), "permitted": "20" + (i.hash(12) % 24).cast(pl.String).str.zfill(2) + "-05-01",
                "so2_kg": (h(13) * 1e6).round(1), "nox_kg": (h(14) * 1e6).round(1), "heat_mw": (h(15) * 400).round(2),
                "region": "R" + (i.hash(16) % 40).cast(pl.String), "reviewed": (i.hash(17) % 2).cast(pl.String)})
            if bad:
                wrong, kind = (i.hash(18) % 1_000_000) < bad * 1_000_000, i.hash(19) % 3
                text = frame["emissions_t"].cast(pl.String)
                text = text.zip_with(~(wrong & (kind == 0)), pl.Series(["n/a"] * n)).zip_with(~(wrong & (kind == 1)), pl.Series(["-12.5"] * n))
                lat = frame["lat"].cast(pl.String).zip_with(~(wrong & (kind == 2)), pl.Series(["95.0"] * n))
                frame = frame.with_columns(text.alias("emissions_t"), lat.alias("lat"))
            frame.select(COLUMNS).write_csv(file, include_header=start == 0)


def polars_alone(path, out):
    import polars as pl
    pl.scan_csv(path, ignore_errors=True).sink_parquet(out)


def timed(command):
    """Seconds and peak memory (GiB) of a process, and what it printed."""
    start = time.time()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = child.stdout.read(), child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{command[0]} failed: {errors.decode()}")
    return time.time() - start, usage.ru_maxrss / 2**20, output.decode()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000_000])
    parser.add_argument("--bad", type=float, default=0.0)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--program", default="target/release/forerunner")
    parser.add_argument("--polars", help=argparse.SUPPRESS)
    given = parser.parse_args()
    folder = os.path.join("target", "bench-data")
    if given.polars:
        return polars_alone(given.polars, os.path.join(folder, "floor.parquet"))
    os.makedirs(folder, exist_ok=True)
    for rows in given.rows:
        path = os.path.abspath(os.path.join(folder, f"reading-{rows}-{given.bad}.csv"))
        if not os.path.exists(path):
            generate(path, rows, given.bad)
        pipeline = os.path.join(folder, "reading.toml")
        with open(pipeline, "w") as file:
            file.write(PIPELINE.format(path=path))
        floor, mine = [], []
        for _ in range(given.times):
            floor.append(timed([sys.executable, __file__, "--polars", path])[:2])
            mine.append(timed([given.program, "check", pipeline]))
        print(f"{rows} rows x {len(COLUMNS)} columns, {os.path.getsize(path) / 2**30:.2f} GiB, {given.bad:.0%} bad")
        for name, runs in (("polars alone", floor), ("forerunner check", mine)):
            seconds, memory = [run[0] for run in runs], max(run[1] for run in runs)
            print(f"  {name:18} {min(seconds):6.2f} {statistics.median(seconds):6.2f} {max(seconds):6.2f} s   {memory:.2f} GiB")
        ratio = statistics.median(run[0] for run in floor) / statistics.median(run[0] for run in mine)
        print(f"  forerunner works at {ratio:.2f} times the speed of polars alone")
        print("  " + mine[-1][2].splitlines()[1].strip())


main()
