"""Writes one register and two layers in every format that is read, by the programs that write them most.

    pip install geopandas==1.2.0 pyogrio==0.13.0 pyarrow==26.0.1 openpyxl odfpy; python3 make.py

Rows: 33 sites on the Tees of the UK's NAEI 2022, twelve harbours of the World Port Index, three cluster regions (data/).
GDAL (through pyogrio) writes GeoPackage, shapefile, FlatGeobuf, KML, GeoJSON, GeoJSON sequences and ODS; openpyxl (through
pandas) XLSX; GeoPandas GeoParquet, as WKB and as GeoArrow. duck_*.parquet are DuckDB 1.4's own GEOMETRY type, two sites.
"""

import json
import os
import shutil
import zipfile

import geopandas
import pandas

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "../../../data")


def register():
    rows = pandas.read_csv(f"{DATA}/naei-2022/point_sources_CO2_2022.csv", dtype=str)
    east, north = rows.Easting.astype(float), rows.Northing.astype(float)
    rows = rows[east.between(440_000, 470_000) & north.between(510_000, 535_000)].drop_duplicates("PlantID").head(40)
    points = geopandas.points_from_xy(rows.Easting.astype(float), rows.Northing.astype(float), crs="EPSG:27700").to_crs(4326)
    frame = pandas.DataFrame(
        {
            "id": "S" + rows.PlantID.values,
            "site": rows.Site.values,
            "firm": rows.Operator.values,
            "year": rows.Year.astype(int).values,
            "t": rows.Emission.astype(float).round(3).values,
            "lon": points.x.round(6),
            "lat": points.y.round(6),
        }
    )
    return frame


def ports():
    rows = pandas.read_csv(f"{DATA}/world-port-index/ports.csv")
    near = rows[rows.Longitude.between(-2, 1) & rows.Latitude.between(53, 56)].head(12)
    names, lon, lat = near["Main Port Name"].values, near.Longitude.values, near.Latitude.values
    return pandas.DataFrame({"name": names, "depth": near["Channel Depth (m)"].values, "lon": lon, "lat": lat})


def placed(frame):
    places = geopandas.points_from_xy(frame.lon, frame.lat, crs="EPSG:4326")
    return geopandas.GeoDataFrame(frame.drop(columns=["lon", "lat"]), geometry=places)


def zipped(stem, name):
    with zipfile.ZipFile(f"{HERE}/{name}.shp.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for end in ["shp", "shx", "dbf", "prj", "cpg"]:
            archive.write(f"{stem}.{end}", f"{name}.{end}")


def write(frame, name):
    for end, driver in [
        ("gpkg", "GPKG"),
        ("shp", "ESRI Shapefile"),
        ("fgb", "FlatGeobuf"),
        ("geojson", "GeoJSON"),
        ("geojsonl", "GeoJSONSeq"),
        ("kml", "LIBKML"),
    ]:
        path = f"{HERE}/{name}.{end}"
        if os.path.exists(path):
            os.remove(path)
        given = frame.rename(columns={"name": "Name"}) if driver == "LIBKML" else frame
        given.to_file(path, driver=driver, layer=name if driver == "GPKG" else None)
    zipped(f"{HERE}/{name}", name)
    frame.to_parquet(f"{HERE}/{name}.parquet")
    frame.to_parquet(f"{HERE}/{name}_geoarrow.parquet", geometry_encoding="geoarrow")
    frame.to_parquet(f"{HERE}/{name}_10.parquet", schema_version="1.0.0")
    text = frame.copy()
    text["geometry"] = text.geometry.to_wkt()
    pandas.DataFrame(text).to_csv(f"{HERE}/{name}_wkt.csv", index=False)
    text["geometry"] = frame.geometry.to_wkb(hex=True)
    pandas.DataFrame(text).to_csv(f"{HERE}/{name}_hex.csv", index=False)
    text["geometry"] = [json.dumps(place.__geo_interface__) for place in frame.geometry]
    pandas.DataFrame(text).to_csv(f"{HERE}/{name}_json.csv", index=False)


def sheets(frame, name):
    with pandas.ExcelWriter(f"{HERE}/{name}.xlsx", engine="openpyxl") as book:
        pandas.DataFrame({"note": ["what this is"]}).to_excel(book, sheet_name="About", index=False)
        frame.to_excel(book, sheet_name="Sites", index=False, startrow=3)
        book.sheets["Sites"]["A1"] = "Sites of a register"
    frame.to_excel(f"{HERE}/{name}.ods", sheet_name="Sites", index=False, engine="odf")
    frame.to_json(f"{HERE}/{name}.json", orient="records")
    frame.to_json(f"{HERE}/{name}.ndjson", orient="records", lines=True)
    frame.to_csv(f"{HERE}/{name}.csv", index=False)
    frame.to_parquet(f"{HERE}/{name}_plain.parquet")


sites, harbours = register(), ports()
sheets(sites, "sites")
sheets(harbours, "harbours")
write(placed(sites), "sites")
write(placed(harbours), "harbours")
regions = geopandas.read_file(f"{DATA}/uk-cluster-regions/regions.geojson")
regions = regions.iloc[[0, 2, 5]][["id", "name", "geometry"]].reset_index(drop=True)
regions["geometry"] = [part if part.geom_type == "MultiPolygon" else type(part)(part) for part in regions.geometry]
write(regions, "regions")

# Broken ones.
whole = open(f"{HERE}/sites.xlsx", "rb").read()
open(f"{HERE}/cut.xlsx", "wb").write(whole[: len(whole) // 2])
for name in ["sites.gpkg", "sites.fgb", "sites.kml", "sites.ods", "sites.shp", "sites.dbf", "sites.geojsonl"]:
    whole = open(f"{HERE}/{name}", "rb").read()
    stem, end = name.split(".")
    open(f"{HERE}/cut.{end}", "wb").write(whole[: len(whole) * 2 // 3])
shutil.copy(f"{HERE}/sites.dbf", f"{HERE}/cut.dbf")
shutil.copy(f"{HERE}/sites.shp", f"{HERE}/alone.shp")
from openpyxl import Workbook

book = Workbook()
sheet = book.active
for row in [["id", "place", None, "t"], ["A", 10.0, 50.0, 1], ["B", 10.1, 50.0, 2]]:
    sheet.append(row)
sheet.merge_cells("B1:C1")
book.save(f"{HERE}/merged.xlsx")
book = Workbook()
sheet = book.active
for row in [["id", "x", "y", "t"], ["A", 10.0, 50.0, "=1+1"], ["B", 10.1, 50.0, "=2+2"]]:
    sheet.append(row)
book.save(f"{HERE}/formulas.xlsx")
