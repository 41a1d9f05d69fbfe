#!/usr/bin/env bash
# Collects one day many times in one directory, and many days in one process, and fails on anything that grows.
#
#   scripts/soak.sh [RUNS]        (default 500)
#
# Every complete run must leave the files of the first one, byte for byte, and need no more memory than the first ones
# did. Between them come runs that use the kept task answer, and runs that are killed at some moment, whose litter must
# go. A process that collects a range of days must have no more open files, threads and memory at its end than at its
# beginning, nor more than one that collects few days.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${1:-500}
# How many runs at either end are compared.
compared=$((runs / 10))
nodes=20
days=60
# What open files and threads may vary by from one moment to another: a leak of one a day is six times that.
slack=10
# What the peak of a run varies by, and what the allocator's arenas take until they are warm: 800 days in one process
# have taken 1.8 MiB more than 5, and 0.1 MiB more than 400.
run_slack_kib=512
warm_slack_kib=2048

fail() {
    echo "soak: $1" >&2
    exit 1
}

[ "$compared" -ge 5 ] || fail "50 runs are the fewest that can be compared"
if [ ! -x /usr/bin/time ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends time >/dev/null
fi
cargo build --quiet --locked --release --bin daily-gpu-log --example simulated-cluster
target=$(realpath "${CARGO_TARGET_DIR:-target}/release")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
coproc cluster { exec "$target/examples/simulated-cluster" nodes "$nodes" 0 "$nodes" "$work"; }
read -r answer <&"${cluster[0]}"
[ "$answer" = ready ] || fail "the simulated cluster says $answer"

# collect DATA ARGUMENTS...
collect=("$target/daily-gpu-log" --config "$work/daily-gpu-log.toml" --quiet --data-dir)
yesterday=$(date -u -d yesterday +%F)

# Every file, with its sum. The lock holds a pid, a kept answer the time of the run, and a record also how long it took.
files() {
    find "$1" -type f ! -path '*/.daily-gpu-log/lock' ! -path '*/.daily-gpu-log/tasks/*' ! -path '*/.daily-gpu-log/runs/*' -exec sha256sum {} + | sort -k 2
    find "$1/.daily-gpu-log/tasks" -type f -printf '%s %p\n' | sort -k 2
    find "$1/.daily-gpu-log/runs" -type f | sort
    find "$1" -mindepth 1 | wc -l
}

# no_more WHAT SLACK AT_FIRST AT_LAST
no_more() {
    echo "  $1: $3 at first, $4 at last"
    [ "$4" -le $(($3 + $2)) ] || fail "$1: $4 are more than $3 and $2"
}

# The median of a column of numbers.
median() {
    sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
}

echo "$runs runs of $yesterday in one directory, $nodes nodes of 8 cards"
began=$SECONDS
killed=0
for run in $(seq "$runs"); do
    start=${EPOCHREALTIME//[!0-9]/}
    /usr/bin/time -o "$work/time" -f %M "${collect[@]}" "$work/data" "$yesterday"
    took_us=$((${EPOCHREALTIME//[!0-9]/} - start))
    cat "$work/time" >>"$work/peaks"
    files "$work/data" >"$work/files"
    [ "$run" = 1 ] && cp "$work/files" "$work/first-files"
    diff "$work/first-files" "$work/files" >&2 || fail "the files after run $run are not those after the first"
    case $((run % 10)) in
        3) "${collect[@]}" "$work/data" --skip-task-info "$yesterday" ;;
        7 | 8)
            "${collect[@]}" "$work/data" "$yesterday" &
            delay_us=$((RANDOM * took_us / 32768))
            sleep "$(printf '%d.%06d' $((delay_us / 1000000)) $((delay_us % 1000000)))"
            # It may have ended; and of the shell's own word on a killed job nothing is news.
            kill -KILL $! 2>/dev/null || true
            wait $! 2>/dev/null || killed=$((killed + 1))
            ;;
    esac
done
echo "  $((SECONDS - began)) s, $(wc -l <"$work/files") lines of files, $killed runs killed besides"
[ "$killed" -gt 0 ] || fail "no run was killed before its end"
no_more "peak memory of a run in KiB" "$run_slack_kib" \
    "$(head -n "$compared" "$work/peaks" | median)" "$(tail -n "$compared" "$work/peaks" | median)"

# range DAYS: collects so many days in one process, into a directory of their own, and leaves the samples that were taken
# of it in $work/samples: its open files, its threads and its memory in KiB. Leaves the highest memory in $peak.
range() {
    local pid fds threads
    "${collect[@]}" "$work/data-$1" "$(date -u -d "yesterday - $(($1 - 1)) days" +%F)" --to "$yesterday" &
    pid=$!
    : >"$work/samples"
    while sleep 0.01 && [ -d "/proc/$pid/fd" ]; do
        fds=("/proc/$pid/fd/"*)
        threads=("/proc/$pid/task/"*)
        awk -v fds=${#fds[@]} -v threads=${#threads[@]} \
            '/^VmHWM/ { peak = $2 } /^VmRSS/ { print fds, threads, $2, peak }' "/proc/$pid/status" >>"$work/samples" || true
    done 2>/dev/null
    wait "$pid"
    peak=$(awk '{ print $4 }' "$work/samples" | sort -n | tail -n 1)
}

range 5
few=$peak
echo "$days days in one process"
range "$days"
third=$(($(wc -l <"$work/samples") / 3))
[ "$third" -ge 10 ] || fail "only $((third * 3)) samples of the process"
highest() {
    "$1" -n "$third" "$work/samples" | awk -v column="$2" '{ print $column }' | sort -n | tail -n 1
}
no_more "open files" "$slack" "$(highest head 1)" "$(highest tail 1)"
no_more "threads" "$slack" "$(highest head 2)" "$(highest tail 2)"
no_more "memory in KiB" "$warm_slack_kib" "$(highest head 3)" "$(highest tail 3)"
no_more "peak memory in KiB, of 5 days and of $days" "$warm_slack_kib" "$few" "$peak"

exec {cluster[1]}>&-
wait "$cluster_PID" || true
