#!/usr/bin/env bash
# Opens the outputs of a run with the programs that people use: tests/clients/run.sh RUN_FOLDER [PICTURES_FOLDER]
# The run has all formats: --set 'outputs.tables=["csv","parquet","xlsx"]' --set 'outputs.layers=["gpkg","geojson","flatgeobuf"]'
# install.sh installs what this needs. CLIENTS_VENV and CLIENTS_NODE name folders that it made; else they are made anew.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
docs=$(cd "$here/../../docs" && pwd)
run=$(cd "${1:?a run folder}" && pwd)
temp=$(mktemp -d)
pictures=${2:-$temp/pictures}
mkdir -p "$pictures" "$temp/pages/out" "$temp/home"
pictures=$(cd "$pictures" && pwd)
ln -s "$run" "$temp/pages/out/great-britain"
chmod 755 "$temp"
chmod 700 "$temp/home"
export HOME=$temp/home XDG_RUNTIME_DIR=$temp/home QT_QPA_PLATFORM=offscreen
failures=0

# check NAME COMMAND...: one line a check; what the command printed is shown if it failed.
check() {
  local name=$1 status=0
  shift
  set +e
  (set -euo pipefail; "$@") >"$temp/log" 2>&1
  status=$?
  set -e
  if [ "$status" -eq 0 ]; then
    echo "ok $name"
  else
    echo "FAILED $name"
    tail -n 25 "$temp/log" | sed 's/^/  /'
    failures=$((failures + 1))
  fi
}

# --- What they need

tools() {
  if [ -z "${CLIENTS_VENV:-}" ]; then
    CLIENTS_VENV=$temp/venv
    "$here/install.sh" python "$CLIENTS_VENV"
  fi
  if [ -z "${CLIENTS_NODE:-}" ]; then
    CLIENTS_NODE=$temp/node
    "$here/install.sh" node "$CLIENTS_NODE"
  fi
  export CLIENTS_NODE
  python=$CLIENTS_VENV/bin/python
  layers=$(/usr/bin/python3 "$here/layers.py" "$run/forerunner.gpkg")
}

# --- The pages of docs/

# page_runs NAME LANGUAGE COMMAND...: the blocks of a language of a page, in one file that the command runs.
page_runs() {
  local name=$1 language=$2
  shift 2
  cd "$temp/pages"
  /usr/bin/python3 "$here/blocks.py" "$docs/use-in-$name.md" "$language" >"$temp/$name.$language"
  PATH="$CLIENTS_VENV/bin:$PATH" "$@" "$temp/$name.$language"
}

pages() {
  check "docs/use-in-python.md: python" page_runs python python "$python"
  check "docs/use-in-python.md: sh" page_runs python sh bash -euo pipefail
  check "docs/use-in-r.md: r" page_runs r r Rscript
  check "docs/use-in-duckdb.md: sql" page_runs duckdb sql "$python" "$here/duckdb_sql.py"
  check "docs/use-in-qgis.md: sh" page_runs qgis sh bash -euo pipefail
  check "docs/use-in-qgis.md: pyqgis" page_runs qgis pyqgis /usr/bin/python3
  check "docs/use-in-postgis.md: sh" page_runs postgis sh bash -euo pipefail
  check "docs/use-in-postgis.md: sql" page_runs postgis sql psql -v ON_ERROR_STOP=1 -d forerunner -f
}

# --- GDAL

# quietly COMMAND...: fails if the command says anything on stderr.
quietly() {
  "$@" 2>"$temp/stderr" || { cat "$temp/stderr"; return 1; }
  if [ -s "$temp/stderr" ]; then
    cat "$temp/stderr"
    return 1
  fi
}

converts() {
  rm -f "$temp/converted".*
  quietly ogr2ogr -f GeoJSON "$temp/converted.geojson" "$@"
  quietly ogr2ogr -f GPKG "$temp/converted.gpkg" "$@"
}

gdal() {
  local file layer
  check "validate_gpkg: forerunner.gpkg" quietly /usr/bin/python3 -m osgeo_utils.samples.validate_gpkg "$run/forerunner.gpkg"
  for file in "$run"/*.gpkg "$run"/*.geojson "$run"/*.fgb; do
    check "ogrinfo: $(basename "$file")" quietly ogrinfo -al -so "$file"
  done
  for file in "$run"/*.geojson "$run"/*.fgb; do
    check "ogr2ogr: $(basename "$file")" converts "$file"
  done
  for layer in $layers; do
    check "ogr2ogr: forerunner.gpkg $layer" converts "$run/forerunner.gpkg" "$layer"
  done
}

# --- GeoParquet, data package

parquet() {
  check "geoparquet-validator: clusters.parquet" "$CLIENTS_VENV/bin/geoparquet-validator" check "$run/clusters.parquet"
  check "geoparquet-validator: facilities.parquet" "$CLIENTS_VENV/bin/geoparquet-validator" check "$run/facilities.parquet"
  check "pyarrow, geopandas: clusters, facilities" "$python" "$here/geoparquet.py" "$run"
  check "GDAL, by its rows" "$python" -W error "$here/gdal.py" "$run"
  check "frictionless: datapackage.json" "$CLIENTS_VENV/bin/frictionless" validate "$run/datapackage.json"
}

# --- PostGIS

# as_postgres COMMAND...: the server does not run as root.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then (cd "$temp" && runuser -u postgres -- "$@"); else "$@"; fi
}

server_starts() {
  install -d "$temp/postgres"
  if [ "$(id -u)" -eq 0 ]; then chown postgres "$temp/postgres"; fi
  as_postgres "$postgres/initdb" -D "$temp/postgres/data" -A trust -U postgres -E UTF8
  as_postgres "$postgres/pg_ctl" -D "$temp/postgres/data" -l "$temp/postgres/server.log" -w \
    -o "-c listen_addresses='' -k $temp/postgres" start
}

imports() {
  createdb layers
  psql -q -d layers -c 'CREATE EXTENSION postgis'
  # shellcheck disable=SC2086 # a list
  quietly ogr2ogr -f PostgreSQL PG:dbname=layers "$run/forerunner.gpkg" $layers -lco GEOMETRY_NAME=geom
}

is_valid() {
  local invalid
  invalid=$(psql -q -d layers -At -c "SET client_min_messages = warning" \
    -c "SELECT ST_IsValidReason(geom) FROM \"$1\" WHERE geom IS NOT NULL AND NOT ST_IsValid(geom)")
  echo "invalid: $invalid"
  [ -z "$invalid" ]
}

database() {
  postgres=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -n 1)
  export PGHOST=$temp/postgres PGUSER=postgres
  check "postgis: a server" server_starts
  check "postgis: import of all layers" imports
  for layer in $layers; do
    check "postgis: valid geometries: $layer" is_valid "$layer"
  done
}

# --- QGIS, the workbook, the report

workbook() {
  mkdir -p "$temp/sheets"
  soffice --headless --convert-to 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1' \
    --outdir "$temp/sheets" "$run/forerunner.xlsx"
  "$python" "$here/workbook.py" "$run" "$temp/sheets"
}

report() {
  local status=0
  node "$here/report.mjs" "$run" "$pictures" || status=$?
  pdftoppm -r 70 -png "$pictures/report.pdf" "$pictures/page"
  return "$status"
}

finish() {
  if [ -f "$temp/postgres/data/postmaster.pid" ]; then
    as_postgres "$postgres/pg_ctl" -D "$temp/postgres/data" -m immediate stop >/dev/null
  fi
  rm -rf "$temp"
}
trap finish EXIT

tools
database
pages
gdal
parquet
check "qgis: every layer with its style" /usr/bin/python3 "$here/qgis_map.py" "$run" "$pictures/qgis.png"
check "libreoffice: forerunner.xlsx" workbook
check "chromium: report.html" report
if [ "$failures" -gt 0 ]; then
  echo "$failures failed"
  exit 1
fi
