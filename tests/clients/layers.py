"""Prints the spatial layers of a GeoPackage, one a line: layers.py FILE"""

import sqlite3
import sys

for (name,) in sqlite3.connect(sys.argv[1]).execute("SELECT table_name FROM gpkg_contents WHERE data_type = 'features' ORDER BY 1"):
    print(name)
