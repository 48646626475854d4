#!/usr/bin/env bash
# Full and read-only disks: tests/clients/disk.sh FORERUNNER PIPELINE [ARGUMENT]... (as root: it mounts small tmpfs). A run that finds no room ends
# with status 1, names the file, and leaves what stood there.
set -euo pipefail
forerunner=$1
pipeline=$2
shift 2
more=("$@")
disk=$(mktemp -d)
trap 'umount "$disk" 2>/dev/null || true; rmdir "$disk"' EXIT

# fails SIZE: a run on a disk of that size.
fails() {
  local status=0 told
  mount -t tmpfs -o "size=$1" tmpfs "$disk"
  told=$("$forerunner" run "$pipeline" "${more[@]}" -q --out "$disk/out" 2>&1) || status=$?
  [ "$status" -eq 1 ] && [ "$(grep -c ^error: <<<"$told")" -eq 1 ] && grep -q "$disk/.out" <<<"$told" || { echo "$1: $status: $told"; exit 1; }
  [ "$(find "$disk" -mindepth 1 ! -name .out.lock | wc -l)" -eq 0 ] || { find "$disk"; exit 1; }
  umount "$disk"
  echo "ok $1: $told"
}

for size in 100k 500k 1500k 3m; do fails "$size"; done
# Room for the run, and not for what is kept beside it.
mount -t tmpfs -o size=12m tmpfs "$disk"
"$forerunner" run "$pipeline" "${more[@]}" -q --out "$disk/out"
"$forerunner" verify "$disk/out"
umount "$disk"
mount -t tmpfs -o size=64m tmpfs "$disk"
"$forerunner" run "$pipeline" "${more[@]}" -q --out "$disk/out"
before=$(cd "$disk/out" && sha256sum -- *)
head -c 62m /dev/zero >"$disk/filler" 2>/dev/null || true
status=0
"$forerunner" run "$pipeline" "${more[@]}" -q --out "$disk/out" --set title=another 2>/dev/null || status=$?
[ "$status" -eq 1 ] && [ "$before" = "$(cd "$disk/out" && sha256sum -- *)" ] || { echo "the earlier run: $status"; exit 1; }
"$forerunner" verify "$disk/out" >/dev/null
[ ! -e "$disk/.out.partial" ] || { find "$disk"; exit 1; }
echo "ok: the earlier run stands"
rm "$disk/filler"
mount -o remount,ro "$disk"
status=0
told=$("$forerunner" run "$pipeline" "${more[@]}" -q --out "$disk/out" --set title=another 2>&1) || status=$?
[ "$status" -eq 1 ] && grep -q "$disk" <<<"$told" || { echo "read-only: $status: $told"; exit 1; }
echo "ok read-only: $told"
