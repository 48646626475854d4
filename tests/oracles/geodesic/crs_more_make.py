"""Makes crs_more.csv (crs,x,y,lon,lat) from pyproj. PROJ network off, no grids. Run: python crs_more_make.py"""
import os, warnings
warnings.filterwarnings('ignore', message='Best transformation')
os.environ["PROJ_NETWORK"] = "OFF"
import pyproj
from pyproj import CRS, Transformer
pyproj.network.set_network_enabled(False)
# lon/lat boxes (W, S, E, N): None = 10 % inside pyproj's area of use. Chosen by hand where the geography asks for it.
BOX = {
    27700: (-4.5, 50.6, -0.6, 57.6), 29903: (-9.4, 51.9, -6.3, 54.9), 2157: (-9.4, 51.9, -6.3, 54.9),
    28992: (4.0, 51.5, 6.8, 53.2), 31370: (3.0, 50.0, 5.9, 51.1), 3812: (3.0, 50.0, 5.9, 51.1),
    2154: (-4.0, 43.0, 7.5, 50.5), 2180: (15.0, 50.0, 23.0, 54.0), 5514: (13.0, 48.2, 21.5, 50.6),
    3035: (-9.0, 37.0, 30.0, 69.0), 4258: (-9.0, 37.0, 30.0, 69.0), 3857: (-25.0, -55.0, 60.0, 75.0),
}
CODES = [27700, 29903, 2157, 28992, 31370, 3812, 25829, 25830, 25831, 25832, 25833, 25834, 25835, 2154, 3035, 4258, 3857, 2180, 5514]
rows = []
for code in CODES:
    crs = CRS.from_epsg(code); a = crs.area_of_use
    if code in BOX: w, s, e, n = BOX[code]
    else:  # the UTM zones: the 6 degree band, 10 % in; latitude from the area of use, kept to 36..70 N (European mainland)
        w, s, e, n = a.west, max(a.south, 36.0), a.east, min(a.north, 70.0); dx, dy = (e - w) * .1, (n - s) * .1; w, s, e, n = w + dx, s + dy, e - dx, n - dy
    assert a.west <= w < e <= a.east and a.south <= s < n <= a.north, (code, a)
    fwd = Transformer.from_crs(4326, code, always_xy=True); back = Transformer.from_crs(code, 4326, always_xy=True)
    dp = 8 if crs.is_geographic else 2
    grid = [(w + (e - w) * i / 2, s + (n - s) * j / 3) for j in range(4) for i in range(3)]
    # 5514: PROJ picks the datum shift by country, and the two bounding boxes overlap; so six points that are Czechia only, then six that are Slovakia only
    if code == 5514: grid = [(lo, la) for la in (49.3, 50.3) for lo in (13.0, 14.75, 16.5)] + [(lo, la) for la in (48.5, 49.1) for lo in (18.95, 20.2, 21.5)]
    for lo0, la0 in grid:
        x, y = fwd.transform(lo0, la0, errcheck=True); x, y = round(x, dp), round(y, dp)
        lo, la = back.transform(x, y, errcheck=True)
        rows.append((f"EPSG:{code}", x, y, round(lo, 8), round(la, 8)))
with open("crs_more.csv", "w") as f:
    f.write("crs,x,y,lon,lat\n")
    for r in rows: f.write(",".join(map(str, r)) + "\n")
