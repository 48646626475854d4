"""Compares the workbook, and what LibreOffice made of it, with the tables: workbook.py RUN_FOLDER CSV_FOLDER"""

import csv
import sys
from pathlib import Path

import openpyxl
import pandas

run, converted = map(Path, sys.argv[1:])
workbook = openpyxl.load_workbook(run / "forerunner.xlsx")
sheets = {sheet.title: sheet for sheet in workbook}

written = {path.stem.removeprefix("forerunner-") for path in converted.glob("forerunner-*.csv")}
assert written == set(sheets), written ^ set(sheets)

clusters = pandas.read_parquet(run / "clusters.parquet")
sheet = sheets["clusters"]
assert sheet.freeze_panes == "A2", sheet.freeze_panes
assert sheet.max_row == len(clusters) + 1, sheet.max_row
with open(converted / "forerunner-clusters.csv", encoding="utf-8", newline="") as file:
    rows = list(csv.reader(file))
assert len(rows) == len(clusters) + 1, len(rows)
assert rows[0] == [cell.value for cell in sheet[1]]

columns = {cell.value: cell.column for cell in sheet[1]}
for position, row in clusters.iterrows():
    def cell(column):
        return sheet.cell(position + 2, columns[column])
    assert cell("cluster_name").data_type == "s" and cell("cluster_name").value == row["cluster_name"]
    assert cell("period").data_type == "n" and cell("period").value == row["period"]
    assert cell("emissions_t").data_type == "n" and cell("emissions_t").value == row["emissions_t"]

for title, sheet in sheets.items():
    assert all(c.data_type != "f" for line in sheet.iter_rows() for c in line), f"a formula in {title}"
print(len(sheets), "sheets,", len(clusters), "clusters")
