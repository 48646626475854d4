"""Makes /tmp/helper/crs_more.csv (crs,x,y,lon,lat) and crs_ops.json from pyproj. PROJ network off, only the grids bundled in the wheel. Run: venv/bin/python crs_make.py"""
import json, os, warnings
warnings.filterwarnings('ignore', message='Best transformation')
os.environ["PROJ_NETWORK"] = "OFF"
import pyproj
from pyproj import CRS, Transformer
from pyproj.transformer import TransformerGroup
pyproj.network.set_network_enabled(False)
# lon/lat boxes (W, S, E, N): None = 10 % inside pyproj's area of use. Hand-made where the brief or the geography asks for it.
BOX = {
    27700: (-4.5, 50.6, -0.6, 57.6), 29903: (-9.4, 51.9, -6.3, 54.9), 2157: (-9.4, 51.9, -6.3, 54.9),
    28992: (4.0, 51.5, 6.8, 53.2), 31370: (3.0, 50.0, 5.9, 51.1), 3812: (3.0, 50.0, 5.9, 51.1),
    2154: (-4.0, 43.0, 7.5, 50.5), 2180: (15.0, 50.0, 23.0, 54.0), 5514: (13.0, 48.2, 21.5, 50.6),
    3035: (-9.0, 37.0, 30.0, 69.0), 4258: (-9.0, 37.0, 30.0, 69.0), 3857: (-25.0, -55.0, 60.0, 75.0),
}
CODES = [27700, 29903, 2157, 28992, 31370, 3812, 25829, 25830, 25831, 25832, 25833, 25834, 25835, 2154, 3035, 4258, 3857, 2180, 5514]
rows, ops = [], {}
for code in CODES:
    crs = CRS.from_epsg(code); a = crs.area_of_use
    if code in BOX: w, s, e, n = BOX[code]
    else:  # the UTM zones: the 6 degree band, 10 % in; latitude from the area of use, kept to 36..70 N (European mainland)
        w, s, e, n = a.west, max(a.south, 36.0), a.east, min(a.north, 70.0); dx, dy = (e - w) * .1, (n - s) * .1; w, s, e, n = w + dx, s + dy, e - dx, n - dy
    assert a.west <= w < e <= a.east and a.south <= s < n <= a.north, (code, a)
    fwd = Transformer.from_crs(4326, code, always_xy=True); back = Transformer.from_crs(code, 4326, always_xy=True)
    used = set(); err = 0.0
    dp = 8 if crs.is_geographic else 2
    grid = [(w + (e - w) * i / 2, s + (n - s) * j / 3) for j in range(4) for i in range(3)]
    # 5514: PROJ picks the datum shift by country, and the two bounding boxes overlap; so six points that are Czechia only, then six that are Slovakia only
    if code == 5514: grid = [(lo, la) for la in (49.3, 50.3) for lo in (13.0, 14.75, 16.5)] + [(lo, la) for la in (48.5, 49.1) for lo in (18.95, 20.2, 21.5)]
    for lo0, la0 in grid:
        if True:
            x, y = fwd.transform(lo0, la0, errcheck=True); x, y = round(x, dp), round(y, dp)
            lo, la = back.transform(x, y, errcheck=True)
            try: o = back.get_last_used_operation()
            except pyproj.exceptions.ProjError: o = back  # a single operation: PROJ keeps no choice
            used.add((o.description, o.accuracy, o.definition)); err = max(err, abs(lo - lo0), abs(la - la0))
            rows.append((f"EPSG:{code}", x, y, round(lo, 8), round(la, 8)))
    g = TransformerGroup(code, 4326, always_xy=True)
    ops[code] = dict(name=crs.name, box=[round(v, 4) for v in (w, s, e, n)], area=[a.west, a.south, a.east, a.north, a.name], axes=[(x.name, x.abbrev, x.direction) for x in crs.axis_info], description=back.description, accuracy=back.accuracy, used=sorted(used), max_round_trip_deg=err, candidates=[(t.description, t.accuracy) for t in g.transformers], missing=[(t.name, t.accuracy, [q.short_name for q in t.grids]) for t in g.unavailable_operations], best_available=g.best_available)
with open("/tmp/helper/crs_more.csv", "w") as f:
    f.write("crs,x,y,lon,lat\n")
    for r in rows: f.write(",".join(map(str, r)) + "\n")
json.dump(dict(pyproj=pyproj.__version__, proj=pyproj.proj_version_str, data_dir=pyproj.datadir.get_data_dir(), network=pyproj.network.is_network_enabled(), epsg_db=pyproj.database.get_database_metadata("EPSG.VERSION"), ops=ops), open("/tmp/helper/crs_ops.json", "w"), indent=1)
