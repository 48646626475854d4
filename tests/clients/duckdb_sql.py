"""Runs a file of SQL in DuckDB and prints what comes out: duckdb_sql.py FILE"""

import sys

import duckdb
from duckdb_extensions import import_extension

connection = duckdb.connect()
import_extension("spatial", con=connection)  # INSTALL finds it there and needs no network
with open(sys.argv[1], encoding="utf-8") as file:
    for statement in connection.extract_statements(file.read()):
        print(connection.execute(statement).fetchall())
