#!/usr/bin/env bash
# The clients that pip installs: tests/clients/light.sh RUN_FOLDER. CLIENTS_VENV names a folder that install.sh made; else
# one is made anew. run.sh has all clients.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
run=${1:?a run folder}
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
if [ -z "${CLIENTS_VENV:-}" ]; then
  CLIENTS_VENV=$temp/venv
  "$here/install.sh" light "$CLIENTS_VENV"
fi
for table in clusters facilities; do
  "$CLIENTS_VENV/bin/geoparquet-validator" check "$run/$table.parquet" >"$temp/log" || { cat "$temp/log"; exit 1; }
done
"$CLIENTS_VENV/bin/frictionless" validate "$run/datapackage.json" >"$temp/log" || { cat "$temp/log"; exit 1; }
"$CLIENTS_VENV/bin/python" "$here/geoparquet.py" "$run"
"$CLIENTS_VENV/bin/python" -W error "$here/gdal.py" "$run"
