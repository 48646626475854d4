#!/bin/sh
# Fuzzes one reader: fuzz/run.sh TARGET [SECONDS], TARGET as in fuzz/targets: csv, geojson, workbook, ...
# Needs a C++ compiler besides what the program needs.
set -eu
cd "$(dirname "$0")/.."
target=$1
seconds=${2:-600}
export RUSTC_WRAPPER="$PWD/fuzz/rustc.sh" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target/fuzz}"
cargo build --manifest-path fuzz/Cargo.toml --bin "$target"
corpus="target/fuzz-corpus/$target"
mkdir -p "$corpus"
exec "$CARGO_TARGET_DIR/debug/$target" "$corpus" "fuzz/seeds/$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 \
    -artifact_prefix=target/fuzz-corpus/ -print_final_stats=1
