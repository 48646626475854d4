"""Independent check of two indicators: distance to gas routes and renewables within 50 km, in EPSG:27700, planar.

Run from the root of the repository; uses data/naei-2022, data/gem-gas-routes, data/repd-2024, data/uk-cluster-regions alone.

    python make.py clusters  > clusters.csv     # clusters of scikit-learn's DBSCAN, sites of 25 kt CO2 and more
    python make.py regions   > regions.csv      # the seven regions, sites of all sizes, point in polygon
    python make.py members [FILE] > out.csv     # CSV of cluster_id,facility_id (file or standard input)
    python make.py sites   [FILE] > out.csv     # CSV with a column facility_id: one row for each facility

A distance is weighted by emissions, and so are the megawatts within 50 km.
"""
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sklearn.cluster import DBSCAN

EARTH_KM = 6371.0088
NOT_INDUSTRY = [
    "Major power producers", "Minor power producers", "Public administration", "Commercial",
    "Agriculture, forestry & fishing", "Oil & gas exploration and production", "Water & sewerage",
    "Miscellaneous", "Construction",
]
TECHNOLOGIES = [
    "Wind Onshore", "Wind Offshore", "Solar Photovoltaics", "Small Hydro", "Large Hydro",
    "Tidal Stream", "Tidal Lagoon", "Tidal Barrage", "Shoreline Wave",
]


def register():
    d = pd.read_csv("data/naei-2022/point_sources_CO2_2022.csv", dtype={"PlantID": str})
    assert (d["Pollutant_Name"] == "Carbon Dioxide as Carbon").all() and (d["Unit"] == "Tonnes").all()
    assert (d["Year"] == 2022).all()
    d["emissions_t"] = d["Emission"] * 44 / 12
    several = d["PlantID"].duplicated(keep=False)
    print(f"rows of the register: {len(d)}, rows that share a PlantID: {several.sum()}", file=sys.stderr)
    assert not several.any()
    return gpd.GeoDataFrame(d, geometry=gpd.points_from_xy(d["Easting"], d["Northing"]), crs=27700)


def routes():
    return gpd.read_file("data/gem-gas-routes/routes.geojson").to_crs(27700).geometry.union_all()


def renewables():
    d = pd.read_csv("data/repd-2024/repd-q2-july-2024.csv", encoding="utf-8-sig", dtype=str)
    number = lambda c: pd.to_numeric(d[c].str.replace(",", "").str.strip(), errors="coerce")
    d["mw"], d["x"], d["y"] = number("Installed Capacity (MWelec)"), number("X-coordinate"), number("Y-coordinate")
    d["date"] = pd.to_datetime(d["Operational"].str.strip(), format="%d/%m/%Y", errors="coerce")
    d = d[(d["Development Status (short)"].str.strip() == "Operational")
          & d["Technology Type"].str.strip().isin(TECHNOLOGIES) & (d["mw"] > 0)]
    kept = d[d["date"] <= pd.Timestamp(2022, 12, 31)]
    placed = kept[kept["x"].notna() & kept["y"].notna()]
    print(f"renewables that run: {len(d)}, without date: {d['date'].isna().sum()}, "
          f"until 2022: {len(kept)}, of these with a place: {len(placed)}", file=sys.stderr)
    return placed


def measure(sites):
    line, farms = routes(), renewables()
    sites = sites.copy()
    sites["km_to_routes"] = shapely.distance(sites.geometry.values, line) / 1000
    dx = sites.geometry.x.values[:, None] - farms["x"].values[None, :]
    dy = sites.geometry.y.values[:, None] - farms["y"].values[None, :]
    sites["mw_within_50km"] = (np.hypot(dx, dy) <= 50_000) @ farms["mw"].values
    return sites


def sums(sites):
    def one(g):
        w = g["emissions_t"]
        return pd.Series({
            "facility_count": len(g), "emissions_t": w.sum(),
            "km_to_routes": (g["km_to_routes"] * w).sum() / w.sum(),
            "mw_within_50km": (g["mw_within_50km"] * w).sum() / w.sum(),
        })
    out = measure(sites).groupby("cluster_id").apply(one, include_groups=False).reset_index()
    out["facility_count"] = out["facility_count"].astype(int)
    return out


def clusters(d):
    d = d[~d["Sector"].isin(NOT_INDUSTRY) & (d["emissions_t"] >= 25_000)].copy()
    print(f"industrial sites of 25 kt and more: {len(d)}", file=sys.stderr)
    world = d.geometry.to_crs(4326)
    radians = np.radians(np.column_stack([world.y, world.x]))
    labels = DBSCAN(eps=10 / EARTH_KM, min_samples=4, metric="haversine", algorithm="ball_tree").fit_predict(radians)
    d = d[labels >= 0].assign(label=labels[labels >= 0])
    largest = d.sort_values("emissions_t").groupby("label")["PlantID"].last()
    d["cluster_id"] = "c-" + d["label"].map(largest)
    return d


def regions(d):
    d = d[~d["Sector"].isin(NOT_INDUSTRY)].copy()
    outlines = gpd.read_file("data/uk-cluster-regions/regions.geojson").to_crs(27700)[["id", "geometry"]]
    inside = d.sjoin(outlines.rename(columns={"id": "cluster_id"}), predicate="intersects")
    assert not inside["PlantID"].duplicated().any()
    return inside


def given(d, path):
    asked = pd.read_csv(path or sys.stdin, dtype=str)
    if "cluster_id" not in asked:
        asked["cluster_id"] = asked["facility_id"]
    unknown = set(asked["facility_id"]) - set(d["PlantID"])
    assert not unknown, f"not in the register: {sorted(unknown)}"
    return d.merge(asked[["cluster_id", "facility_id"]], left_on="PlantID", right_on="facility_id")


if __name__ == "__main__":
    mode, path = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    d = register()
    if mode == "clusters":
        out = sums(clusters(d))
    elif mode == "regions":
        out = sums(regions(d))
    elif mode == "members":
        out = sums(given(d, path))
    elif mode == "sites":
        out = measure(given(d, path))[["facility_id", "emissions_t", "km_to_routes", "mw_within_50km"]]
    else:
        sys.exit(__doc__)
    out.to_csv(sys.stdout, index=False)
