#!/usr/bin/env bash
# The memory of a rank in a training step, as `explain` says and as it is seen: a table.
# usage: training_memory.sh PROGRAM, the built `training-memory`
set -euo pipefail
program=$1

echo "| dp x tp | dtype | stage | recompute | state MiB | peak MiB, explained | seen | off | process, a rank's part |"
echo "|---|---|---|---|---|---|---|---|---|"
"$program"
"$program" --recompute
"$program" --bf16
"$program" --bf16 --recompute
for zero in 0 1 3; do
    "$program" --dp 2 --zero $zero
done
for zero in 0 1 3; do
    "$program" --dp 2 --zero $zero --bf16 --recompute
done
"$program" --tp 2
"$program" --tp 2 --sequence-parallel
"$program" --tp 2 --sequence-parallel --recompute
for zero in 0 1 3; do
    "$program" --dp 2 --tp 2 --sequence-parallel --zero $zero --recompute
done
