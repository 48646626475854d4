"""Reads every layer of a run through GDAL, warnings being errors, and counts its rows: gdal.py RUN_FOLDER"""

import csv
import sys
from pathlib import Path

import pyogrio

run = Path(sys.argv[1])


def height(table):
    with (run / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.DictReader(file))


rows = {"clusters": height("clusters"), "facilities": height("facilities"), "dispersed_sites": height("dispersed")}
files = sorted([run / "forerunner.gpkg", *run.glob("*.geojson"), *run.glob("*.fgb")])
for path in files:
    for name, kind in pyogrio.list_layers(path):
        frame = pyogrio.read_dataframe(path, layer=name)
        if kind is None:
            continue
        assert frame.geometry.dropna().is_valid.all(), (path, name)
        # FlatGeobuf holds what has a place.
        if name in rows and path.suffix != ".fgb":
            assert len(frame) == rows[name], (path, name, len(frame), rows[name])
    print(path.name, "ok")
