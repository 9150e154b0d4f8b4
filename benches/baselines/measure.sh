#!/usr/bin/env bash
# Counts the instructions of single operations: baselines/measure.sh [--check]
#
# Without --check it writes baselines/instructions.csv. With it, it compares and exits with 1 where an operation needs
# more than 5 % (and 50 instructions) more than what is committed. Needs valgrind. The counts depend on the compiler,
# not on how busy the machine is: a difference of two lengths of a run, so that the preparation drops out.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --quiet --release --package backline-benches --bin instructions
program=${CARGO_TARGET_DIR:-../target}/release/instructions
profile=$(mktemp)
trap 'rm -f "$profile"' EXIT

count() {
  valgrind --tool=callgrind --callgrind-out-file="$profile" "$program" "$1" "$2" 2>&1 |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

csv="operation,instructions"
worse=0
for name in $("$program"); do
  short=$(count "$name" 360)
  long=$(count "$name" 1560)
  each=$(((long - short) / 1200))
  csv+=$'\n'"$name,$each"
  before=$(sed -n "s/^$name,//p" baselines/instructions.csv 2> /dev/null || true)
  echo "$name: $each${before:+, committed $before}"
  if [[ -n $before ]] && ((each > before * 105 / 100 && each > before + 50)); then
    worse=1
  fi
done
if [[ ${1:-} == --check ]]; then
  exit "$worse"
fi
echo "$csv" > baselines/instructions.csv
