#!/usr/bin/env bash
# Measures the release build against the simulated cluster, beside `curl --parallel` on the very same URLs.
#
#   scripts/bench.sh
#
# Prints wall time, CPU time, peak memory, requests and connections of a whole day's collection. The cluster runs on the
# same cores as what is measured, so that ratios mean more than times. It is measured with agents that answer at once,
# and with agents that take as long as a real one was measured to (25 ms on 1.37.1).
set -euo pipefail
cd "$(dirname "$0")/.."

if [ ! -x /usr/bin/time ] || ! command -v curl >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends time curl >/dev/null
fi
cargo build --quiet --release --bin daily-gpu-log --example simulated-cluster
target=$(realpath "${CARGO_TARGET_DIR:-target}/release")
program=$target/daily-gpu-log
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
day=$(date -u -d yesterday +%F)

# measure LABEL RUNS COMMAND...: the medians over RUNS runs, and the highest peak. RUN in the command is the number of
# the run. Leaves the wall time in milliseconds in $wall_ms and the peak memory in KiB in $peak_kib.
measure() {
    local label=$1 runs=$2 run begin
    shift 2
    : >"$work/runs"
    for run in $(seq "$runs"); do
        begin=$EPOCHREALTIME
        /usr/bin/time -o "$work/time" -f '%U %S %M' "${@//RUN/$run}" >"$work/out" 2>&1 || { cat "$work/out" && exit 1; }
        echo "$begin $EPOCHREALTIME $(cat "$work/time")" >>"$work/runs"
    done
    wall_ms=$(awk '{ print ($2 - $1) * 1000 }' "$work/runs" | sort -n | awk '{ a[NR] = $1 } END { printf "%.1f", a[int((NR + 1) / 2)] }')
    cpu_ms=$(awk '{ cpu += ($3 + $4) * 1000 } END { printf "%.1f", cpu / NR }' "$work/runs")
    peak_kib=$(awk '{ print $5 }' "$work/runs" | sort -n | tail -1)
    printf '  %-24s wall %7.1f ms   cpu %6.1f ms   peak %6d KiB\n' "$label" "$wall_ms" "$cpu_ms" "$peak_kib"
}

# ask COMMAND: one line of answer from the simulation.
ask() {
    echo "$1" >&"${cluster[1]}"
    read -r answer <&"${cluster[0]}"
}

# bench NODES LATENCY_MS RUNS [TASKS]
bench() {
    local nodes=$1 latency=$2 runs=$3 tasks=${4:-$1} ours here
    here=$work/$nodes-$latency-$tasks
    echo "$nodes nodes of 8 cards, $tasks tasks, agents answer after $latency ms (medians of $runs runs)"
    mkdir "$here"
    coproc cluster { exec "$target/examples/simulated-cluster" serve "$nodes" "$latency" "$tasks" "$here"; }
    read -r answer <&"${cluster[0]}"
    # A new tree for every run, as every night's is: ext4 looks long for free inodes where many were just deleted.
    local collect=("$program" --config "$here/daily-gpu-log.toml" --data-dir "$here/data-RUN" --quiet "$day")
    "${collect[@]}"
    ask count
    echo "  one run: ${answer% *} requests, ${answer#* } connections, $(find "$here/data-RUN" -type f | wc -l) files"
    ask "urls $here/urls"
    measure 'daily-gpu-log' "$runs" "${collect[@]}"
    ours=$wall_ms
    peak=$peak_kib
    measure 'without tasks' "$runs" "${collect[@]/data-RUN/bare-RUN}" --skip-task-info
    awk -v ours="$ours" -v bare="$wall_ms" \
        'BEGIN { printf "  with / without tasks: %.2f (%+.1f ms)\n", ours / bare, ours - bare }'
    measure 'curl --parallel' "$runs" curl --silent --parallel --config "$here/urls"
    awk -v ours="$ours" -v curl="$wall_ms" \
        'BEGIN { printf "  daily-gpu-log / curl: %.2f (%+.1f ms)\n", ours / curl, ours - curl }'
    exec {cluster[1]}>&-
    wait "$cluster_PID" || true
}

bench 4 0 25
few=$peak
bench 4 25 25
bench 1000 25 9
many=$peak
bench 1000 0 9
bench 1000 0 9 10000
bench 1000 25 9 10000
awk -v few="$few" -v many="$many" 'BEGIN { printf "peak memory grows by %.1f KiB a node\n", (many - few) / 996 }'
measure 'daily-gpu-log --version' 25 "$program" --version
