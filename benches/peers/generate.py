"""Deterministic synthetic national dataset, for timing only (labelled synthetic; not for results).

python generate.py --facilities 100000 --seed 1 --out DIR [--dirty 0.02]

Writes facilities.csv (facility_id, facility_name, operator, lon, lat, sector, year, emissions_t), storage.csv (id, lon, lat, capacity_mt),
pipelines.csv (id, wkt), ports.csv (id, lon, lat), links.csv (from, to, kind, weight). Western Europe's bounding box, EPSG:4326.
70 % of facilities lie around n/150 centres (sigma 4 km), 30 % are spread evenly. Needs numpy and pyarrow only.
"""
import argparse, os
import numpy as np, pyarrow as pa, pyarrow.csv as pc

SECTORS = ["cement", "steel", "refining", "chemicals", "glass", "paper", "food", "ceramics", "lime", "aluminium", "power", "waste",
           "fertiliser", "copper", "textiles", "wood", "machinery", "vehicles", "brewing", "dairy", "sugar", "bricks", "gas", "oil", "other"]


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--facilities", type=int, required=True); a.add_argument("--seed", type=int, default=1)
    a.add_argument("--out", required=True); a.add_argument("--dirty", type=float, default=0.0)
    o = a.parse_args(); n = o.facilities; r = np.random.default_rng(o.seed); os.makedirs(o.out, exist_ok=True)
    lon0, lon1, lat0, lat1 = -9.5, 16.0, 36.0, 59.0
    k = max(1, n // 150)
    cx, cy = r.uniform(lon0, lon1, k), r.uniform(lat0, lat1, k)
    c = r.integers(0, k, n); spread = r.random(n) < 0.3
    lat = cy[c] + r.normal(0, 4 / 111.2, n); lon = cx[c] + r.normal(0, 4 / 111.2, n) / np.cos(np.radians(np.clip(lat, -80, 80)))
    lon = np.where(spread, r.uniform(lon0, lon1, n), lon); lat = np.where(spread, r.uniform(lat0, lat1, n), lat)
    em = np.exp(r.normal(9.5, 1.8, n)); op = (r.pareto(1.2, n) * 20).astype(np.int64) % max(10, n // 3)
    ids = [f"F{i:09d}" for i in range(n)]
    e = np.char.mod("%.2f", em).astype(object); la = np.char.mod("%.6f", lat).astype(object)
    if o.dirty:
        bad = np.flatnonzero(r.random(n) < o.dirty); kind = r.integers(0, 5, bad.size)
        e[bad[kind == 0]] = "n/a"; e[bad[kind == 1]] = "-12.5"; e[bad[kind == 2]] = "1,5e"; la[bad[kind == 3]] = ""; la[bad[kind == 4]] = "95.000000"
    t = pa.table({"facility_id": ids, "facility_name": [f"Site {i}" for i in range(n)], "operator": np.char.add("Operator ", op.astype(str)),
                  "lon": np.char.mod("%.6f", lon), "lat": pa.array(la.tolist()), "sector": np.array(SECTORS)[r.integers(0, len(SECTORS), n)],
                  "year": np.full(n, 2022), "emissions_t": pa.array(e.tolist())})
    w = pc.WriteOptions(quoting_style="needed")
    pc.write_csv(t, f"{o.out}/facilities.csv", w)
    m = max(20, n // 5000)
    pc.write_csv(pa.table({"id": [f"S{i}" for i in range(m)], "lon": r.uniform(lon0, lon1, m).round(6), "lat": r.uniform(lat0, lat1, m).round(6),
                           "capacity_mt": np.exp(r.normal(4, 1, m)).round(2)}), f"{o.out}/storage.csv", w)
    q = max(20, n // 500)
    pc.write_csv(pa.table({"id": [f"P{i}" for i in range(q)], "lon": r.uniform(lon0, lon1, q).round(6), "lat": r.uniform(lat0, lat1, q).round(6)}),
                 f"{o.out}/ports.csv", w)
    p = max(20, min(n // 100, 20000)); wkt = []
    for i in range(p):
        v = int(r.integers(5, 50)); x = r.uniform(lon0, lon1) + np.cumsum(r.normal(0, 0.05, v)); y = r.uniform(lat0, lat1) + np.cumsum(r.normal(0, 0.05, v))
        wkt.append("LINESTRING(" + ", ".join(f"{s:.6f} {u:.6f}" for s, u in zip(x, y)) + ")")
    pc.write_csv(pa.table({"id": [f"L{i}" for i in range(p)], "wkt": wkt}), f"{o.out}/pipelines.csv", w)
    g = 3 * n; f = r.integers(0, n, g); near = r.random(g) < 0.6; to = np.where(near, np.clip(f + r.integers(-40, 41, g), 0, n - 1), r.integers(0, n, g))
    pc.write_csv(pa.table({"from": np.char.mod("F%09d", f), "to": np.char.mod("F%09d", to), "kind": np.array(["formal", "informal"])[(r.random(g) < 0.5).astype(int)],
                           "weight": r.random(g).round(4)}), f"{o.out}/links.csv", w)


main()
