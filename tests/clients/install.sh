#!/usr/bin/env bash
# What run.sh needs: install.sh debian (as root), install.sh python FOLDER, install.sh node FOLDER. What light.sh needs:
# install.sh light FOLDER
set -euo pipefail

case "${1:-}" in
  debian)
    apt-get update
    apt-get install -y --no-install-recommends gdal-bin qgis python3-qgis python3-venv r-cran-sf postgis postgresql postgresql-15-postgis-3 \
      libreoffice-calc chromium poppler-utils nodejs npm
    ;;
  light)
    python3 -m venv "$2"
    "$2/bin/pip" install --quiet geopandas pyarrow frictionless geoparquet-validator
    ;;
  python)
    /usr/bin/python3 -m venv "$2"
    "$2/bin/pip" install --quiet geopandas pyarrow matplotlib openpyxl 'frictionless[parquet,excel]' geoparquet-validator \
      duckdb duckdb-extensions duckdb-extension-spatial
    ;;
  node)
    mkdir -p "$2"
    npm install --silent --no-audit --no-fund --prefix "$2" playwright-core axe-core
    ;;
  *)
    echo "install.sh debian | python FOLDER | node FOLDER | light FOLDER" >&2
    exit 2
    ;;
esac
