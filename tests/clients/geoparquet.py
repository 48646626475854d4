"""Reads clusters and facilities with pyarrow and GeoPandas: geoparquet.py RUN_FOLDER"""

import json
import sys
from pathlib import Path

import geopandas
import pyarrow.parquet

run = Path(sys.argv[1])
for name, shape in [("clusters", "Polygon"), ("facilities", "Point")]:
    path = run / f"{name}.parquet"
    table = pyarrow.parquet.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"] if table.schema.metadata and b"geo" in table.schema.metadata
                     else pyarrow.parquet.read_metadata(path).metadata[b"geo"])
    assert geo["columns"]["geometry"]["crs"]["id"] == {"authority": "OGC", "code": "CRS84"}, geo

    frame = geopandas.read_parquet(path)
    assert len(frame) == table.num_rows > 0
    assert frame.crs == "OGC:CRS84", frame.crs
    assert frame.crs.equals("EPSG:4326", ignore_axis_order=True), frame.crs
    shapes = frame.geometry.dropna()
    assert shapes.is_valid.all() and not shapes.is_empty.any()
    assert shapes.geom_type.str.endswith(shape).all(), shapes.geom_type.unique()

    described = [field.name for field in table.schema if field.metadata and b"description" in field.metadata]
    assert len(described) >= len(frame.columns) - 2, described  # all but geometry and bbox
    print(name, len(frame), "rows")
