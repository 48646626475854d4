"""What an analyst would write today for the same job: GeoPandas/shapely + scikit-learn + NetworkX + NumPy. Prints seconds per stage and peak memory.

python geopandas_sklearn.py DIR [--radius-km 5] [--min-facilities 5] [--replicates 1000] [--skip-network]
Reads the files of generate.py. Distances: points by BallTree (haversine); lines by shapely STRtree in EPSG:3035 (a projected approximation, as usual in practice).
"""
import argparse, resource, time
import numpy as np, pandas as pd
from sklearn.cluster import DBSCAN
from sklearn.neighbors import BallTree

a = argparse.ArgumentParser(); a.add_argument("dir"); a.add_argument("--radius-km", type=float, default=5); a.add_argument("--min-facilities", type=int, default=5)
a.add_argument("--replicates", type=int, default=1000); a.add_argument("--skip-network", action="store_true"); o = a.parse_args()
R = 6371.0088; t0 = time.perf_counter(); last = t0


def lap(name):
    global last
    now = time.perf_counter(); peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{name:12s} {now - last:9.3f} s   peak {peak:6.2f} GiB", flush=True); last = now


d = pd.read_csv(f"{o.dir}/facilities.csv")
for c in ("lon", "lat", "emissions_t"): d[c] = pd.to_numeric(d[c], errors="coerce")
d = d[(d.lat.abs() <= 90) & (d.lon.abs() <= 180) & (d.emissions_t >= 0)].reset_index(drop=True); lap("read")
xy = np.radians(d[["lat", "lon"]].to_numpy())
d["cluster"] = DBSCAN(eps=o.radius_km / R, min_samples=o.min_facilities, metric="haversine", algorithm="ball_tree", n_jobs=-1).fit_predict(xy); lap("delineate")
for f in ("storage", "ports"):
    p = pd.read_csv(f"{o.dir}/{f}.csv"); dist, _ = BallTree(np.radians(p[["lat", "lon"]].to_numpy()), metric="haversine").query(xy, k=1); d[f"km_to_{f}"] = dist[:, 0] * R
import geopandas as gpd
pipes = gpd.GeoSeries.from_wkt(pd.read_csv(f"{o.dir}/pipelines.csv").wkt, crs=4326).to_crs(3035)
pts = gpd.GeoSeries.from_xy(d.lon, d.lat, crs=4326).to_crs(3035)
i, dist = pipes.sindex.nearest(pts, return_all=False, return_distance=True); d.loc[i[0], "km_to_pipelines"] = dist / 1000; lap("distances")
c = d[d.cluster >= 0]; w = c.emissions_t
g = pd.DataFrame({"n": c.groupby("cluster").size(), "emissions_t": c.groupby("cluster").emissions_t.sum(), "operators": c.groupby("cluster").operator.nunique()})
for k in ("km_to_storage", "km_to_ports", "km_to_pipelines"): g[k] = (c[k] * w).groupby(c.cluster).sum() / g.emissions_t
g["top_share"] = c.groupby("cluster").emissions_t.max() / g.emissions_t
g["hhi"] = (c.emissions_t**2).groupby(c.cluster).sum() / g.emissions_t**2
g["sectors"] = c.groupby("cluster").sector.nunique(); lap("aggregate")
if not o.skip_network:
    import networkx as nx
    e = pd.read_csv(f"{o.dir}/links.csv"); m = dict(zip(d.facility_id, d.cluster))
    e["a"] = e["from"].map(m); e["b"] = e["to"].map(m); e = e[(e.a == e.b) & (e.a >= 0) & (e["from"] != e["to"])]
    out = {}
    members = c.groupby("cluster").facility_id.apply(list); by = dict(tuple(e.groupby("a")))
    for k, ids in members.items():
        G = nx.Graph(); G.add_nodes_from(ids)
        if k in by: G.add_edges_from(zip(by[k]["from"], by[k]["to"]))
        out[k] = (nx.density(G), nx.average_clustering(G), max(map(len, nx.connected_components(G))) / len(ids), sum(1 for _, x in G.degree() if x) / len(ids))
    g[["density", "clustering", "largest", "linked"]] = pd.DataFrame(out).T; lap("network")
else:
    g[["density", "clustering", "largest", "linked"]] = 0.5
low = np.array([300, 200, 100, 3, 1e5, 1, 0, 0, 0, 0.]); high = np.array([20, 5, 1, 15, 5e6, 6, .3, .5, 1, 1.])
X = g[["km_to_storage", "km_to_ports", "km_to_pipelines", "n", "emissions_t", "sectors", "density", "clustering", "largest", "linked"]].to_numpy()
S = np.clip((X - low) / (high - low), 0, 1); L, N = S[:, :6].mean(1), S[:, 6:].mean(1); types = np.where(L >= .5, np.where(N >= .5, 1, 3), np.where(N >= .5, 2, 4)); lap("score")
r = np.random.default_rng(1); counts = np.zeros((len(S), 5), int)
for _ in range(o.replicates):
    a1, a2 = r.dirichlet(np.full(6, 10.)), r.dirichlet(np.full(4, 10.)); t1, t2 = r.uniform(.4, .6, 2); lo = low * r.uniform(.9, 1.1, 10); hi = high * r.uniform(.9, 1.1, 10)
    Z = np.clip((X - lo) / (hi - lo), 0, 1); l, k = Z[:, :6] @ a1 >= t1, Z[:, 6:] @ a2 >= t2
    counts[np.arange(len(S)), np.where(l, np.where(k, 1, 3), np.where(k, 2, 4))] += 1
P = counts / o.replicates; lap("uncertainty")
g["type"] = types; g.to_parquet(f"{o.dir}/peer_clusters.parquet"); d.to_parquet(f"{o.dir}/peer_facilities.parquet"); lap("write")
print(f"{'total':12s} {time.perf_counter() - t0:9.3f} s   facilities {len(d)}  clusters {len(g)}  types {np.bincount(types, minlength=5)[1:]}")
