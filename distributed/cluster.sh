#!/usr/bin/env bash
# A scheduler and two executors on loopback, until this script is stopped.
#
#   distributed/cluster.sh [PROGRAM] [FOLDER]
#
# PROGRAM: forerunner-distributed, as built; FOLDER: where the three write their logs, process ids and passing data.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=${1:-$here/target/release/forerunner-distributed}
folder=${2:-$(mktemp -d)}
port=${PORT:-50050}
threads=${THREADS:-1}
mkdir -p "$folder"
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true' EXIT
start() {
  local name=$1
  shift
  "$program" "$@" >"$folder/$name.log" 2>&1 &
  pids+=($!)
  echo $! >"$folder/$name.pid"
}
start scheduler scheduler --port "$port" --executor-timeout "${TIMEOUT:-30}"
for _ in $(seq 100); do
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  sleep 0.1
done
for number in 1 2; do
  start "executor-$number" executor --scheduler "127.0.0.1:$port" --threads "$threads" \
    --port $((port + 10 * number)) --grpc-port $((port + 10 * number + 1)) --work-dir "$folder/executor-$number"
done
echo "a scheduler and two executors: forerunner-distributed run PIPELINE --scheduler http://127.0.0.1:$port"
echo "logs: $folder"
wait
