"""Reads every layer of a run through GDAL, warnings being errors, and compares rows, ids and emissions with the tables:
gdal.py RUN_FOLDER"""

import csv
import sys
from pathlib import Path

import pyogrio

run = Path(sys.argv[1])
TABLES = {"clusters": ("clusters", "cluster_id"), "facilities": ("facilities", "facility_id"), "dispersed_sites": ("dispersed", "facility_id")}


def expected(layer, placed_only):
    table, key = TABLES[layer]
    with (run / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["lon"] or not placed_only]
    return sorted((row[key], float(row["emissions_t"] or "nan")) for row in rows)


def same(found, wanted):
    return len(found) == len(wanted) and all(a[0] == b[0] and (a[1] == b[1] or a[1] != a[1] and b[1] != b[1]) for a, b in zip(found, wanted))


for path in sorted([run / "forerunner.gpkg", *run.glob("*.geojson"), *run.glob("*.fgb")]):
    for name, kind in pyogrio.list_layers(path):
        if kind is None:
            continue
        frame = pyogrio.read_dataframe(path, layer=name)
        assert frame.geometry.dropna().is_valid.all(), (path, name)
        assert path.suffix != ".fgb" or frame.geometry.notna().all(), (path, name)
        if name in TABLES:
            # FlatGeobuf holds what has a place.
            wanted = expected(name, path.suffix == ".fgb")
            found = sorted(zip(frame[TABLES[name][1]], frame["emissions_t"]))
            assert same(found, wanted), (path, name, len(found), len(wanted))
    print(path.name, "ok")

links = {path.suffix: len(pyogrio.read_dataframe(path).dropna(subset="geometry")) for path in run.glob("links.*") if path.suffix != ".sld"}
links[".gpkg"] = len(pyogrio.read_dataframe(run / "forerunner.gpkg", layer="links").dropna(subset="geometry"))
assert len(set(links.values())) == 1, links
