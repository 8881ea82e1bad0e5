#!/usr/bin/env bash
# What writing, expanding and checking the shipped plans adds to a build of tp-models: this source against
# the same without its tables, side by side, in seconds of processor time. `./dev plan-checks [ROUNDS]`
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-5}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
TIMEFORMAT=%U

for kind in with without; do
    mkdir "$place/$kind"
    git ls-files -z | xargs -0 cp --parents -t "$place/$kind"
done
# A table ends at the first brace in the first column; the plans that others include are imported.
sed -i -E '/^tp_plan! \{/,/^\}/d; s/\b[A-Z0-9_]+_MODEL, //' "$place"/without/tp-models/src/*.rs

check() { # kind, whether incremental
    cd "$place/$1"
    CARGO_INCREMENTAL=$2 CARGO_TARGET_DIR=target cargo check --quiet --package tp-models --no-default-features
}

seconds() { # kind, whether incremental
    { time check "$1" "$2" 2>/dev/null; } 2>&1 | tail -1
}

least() { sort -n | head -1; }

measure() { # name, whether incremental
    for kind in with without; do (check $kind "$2") 2>/dev/null; done
    for ((round = 0; round < rounds; round++)); do
        for kind in with without; do
            echo "fn edit_${1}_$round() -> usize { $round }" >>"$place/$kind/tp-models/src/layers/gated_mlp.rs"
            seconds $kind "$2" >>"$place/$1-$kind"
        done
    done
    local with without
    with=$(least <"$place/$1-with") without=$(least <"$place/$1-without")
    printf '%-12s %s s with plans, %s s without: %.2f s\n' "$1" "$with" "$without" \
        "$(awk "BEGIN { print $with - $without }")"
}

measure clean 0
measure incremental 1
