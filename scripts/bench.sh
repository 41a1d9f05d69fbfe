#!/usr/bin/env bash
# Measures the release build against the simulated cluster, beside `curl --parallel` on the very same URLs.
#
#   scripts/bench.sh [parent|export]
#
# Prints wall time, CPU time, peak memory, requests and connections of a whole day's collection. The cluster runs on the
# same cores as what is measured, so that ratios mean more than times. It is measured with agents that answer at once,
# with agents that take as long as a real one was measured to (25 ms on 1.37.1), and with 1,000 of which some hang and
# some are down. Fails if one of the healthy ones is not complete then, or the run takes longer than it may; and if
# `users` takes longer than 2 s for a year of 4 nodes, or much more memory than for a week; and if a page is larger or
# takes longer than it may; and if a copy is larger, or an export needs more memory, than it may. With `export` only
# the copies; with `parent` only the last part: 10,000 nodes behind one parent, beside curl and a plain program that
# writes the same files.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/debian_packages.sh
. scripts/debian_packages.sh

need time -- test -x /usr/bin/time
need curl -- command -v curl
need nginx-light nginx -- command -v nginx
need gcc -- command -v cc
install_missing
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

# start DIRECTORY NODES LATENCY_MS TASKS [HANGING_PERCENT DOWN_PERCENT]: a cluster, whose settings are then in DIRECTORY.
start() {
    local here=$1
    shift
    mkdir "$here"
    coproc cluster { exec "$target/examples/simulated-cluster" nodes "${@:1:3}" "$here" "${@:4}"; }
    read -r answer <&"${cluster[0]}"
}

stop() {
    exec {cluster[1]}>&-
    wait "$cluster_PID" || true
}

# bench NODES LATENCY_MS RUNS [TASKS]
bench() {
    local nodes=$1 latency=$2 runs=$3 tasks=${4:-$1} ours here
    here=$work/$nodes-$latency-$tasks
    echo "$nodes nodes of 8 cards, $tasks tasks, agents answer after $latency ms (medians of $runs runs)"
    start "$here" "$nodes" "$latency" "$tasks"
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
    stop
}

# bench_troubled NODES HANGING_PERCENT DOWN_PERCENT TIMEOUT DEADLINE, both in seconds
bench_troubled() {
    local nodes=$1 hanging=$2 down=$3 timeout=$4 deadline=$5 here=$work/troubled-$2-$5 status=0 healthy rows
    healthy=$((nodes * (100 - hanging - down) / 100))
    echo "$nodes nodes of 8 cards, of which $hanging % hang and $down % are down, deadline $deadline s"
    start "$here" "$nodes" 25 "$nodes" "$hanging" "$down"
    printf '[netdata]\ntimeout = "%ss"\ndeadline = "%ss"\n' "$timeout" "$deadline" >>"$here/daily-gpu-log.toml"
    /usr/bin/time -o "$work/time" -f '%e %M' \
        "$program" --config "$here/daily-gpu-log.toml" --data-dir "$here/data" --quiet "$day" >"$work/out" 2>&1 || status=$?
    stop
    # GNU time has a line of its own about the status.
    read -r wall peak <<<"$(tail -n 1 "$work/time")"
    rows=$(find "$here/data" -name 'gpu*.csv' -exec grep -h '^[0-9]' {} + | grep -vc ',,$')
    echo "  exit status $status, wall $wall s, peak $peak KiB, $rows readings of $healthy healthy nodes"
    [ "$status" = 3 ] || fail "exit status $status"
    [ "$rows" = $((healthy * 8 * 144)) ] || fail "$rows readings where there are $((healthy * 8 * 144))"
    awk -v wall="$wall" -v limit=$((deadline + 5)) 'BEGIN { exit wall > limit }' || fail "more than $((deadline + 5)) s"
}

# bench_users NODES TASKS: `users` over a year of reports, each that of yesterday with the stamps of its day.
bench_users() {
    local nodes=$1 tasks=$2 here=$work/users-$2 report start ago date first week
    echo "users --to over 365 reports of $nodes nodes of 8 cards, $tasks tasks a day"
    start "$here" "$nodes" 0 "$tasks"
    "$program" --config "$here/daily-gpu-log.toml" --data-dir "$here/data" --quiet "$day"
    stop
    report=$here/data/reports/users_$day.csv
    start=$(date -u -d "$day" +%s)
    for ago in $(seq 364); do
        date=$(date -u -d "$day - $ago days" +%F)
        sed "s/,$start,$((start + 86400)),/,$((start - ago * 86400)),$((start - (ago - 1) * 86400)),/" \
            "$report" >"$here/data/reports/users_$date.csv"
    done
    first=$date
    echo "  $(wc -l <"$report") rows a report, $(du -sh "$here/data/reports" | cut -f 1) in all"
    local users=("$program" users --config "$here/daily-gpu-log.toml" --data-dir "$here/data" --to "$day")
    measure 'users, a week' 9 "${users[@]}" "$(date -u -d "$day - 6 days" +%F)"
    week=$peak_kib
    measure 'users, a year' 9 "${users[@]}" "$first"
    # A status of 3 would have ended the bench: every report counts.
    grep -q "365 天，其中 365 天有報告" "$work/out" || fail "not all reports are read"
    awk -v wall="$wall_ms" 'BEGIN { exit wall > 2000 }' || fail "users takes more than 2 s for a year"
    [ "$((peak_kib - week))" -lt 2048 ] || fail "the memory of users grows with the days"
}

# bench_report NODES DAYS MOST_KIB MOST_MS: the page of so many days of so many nodes.
bench_report() {
    local nodes=$1 days=$2 most_kib=$3 most_ms=$4 here=$work/report-$1-$2 first kib
    first=$(date -u -d "$day - $((days - 1)) days" +%F)
    echo "report over $days days of $nodes nodes of 8 cards"
    start "$here" "$nodes" 0 32
    "$program" --config "$here/daily-gpu-log.toml" --data-dir "$here/data" --quiet "$first" --to "$day"
    stop
    measure "report, $days days" 3 "$program" report --config "$here/daily-gpu-log.toml" --data-dir "$here/data" \
        "$first" --to "$day" -o "$here/page.html"
    kib=$(($(stat -c %s "$here/page.html") / 1024))
    echo "  $kib KiB, peak memory $peak_kib KiB"
    [ "$kib" -le "$most_kib" ] || fail "more than $most_kib KiB"
    awk -v wall="$wall_ms" -v most="$most_ms" 'BEGIN { exit wall > most }' || fail "more than $most_ms ms"
    rm -r "$here"
}

# PostgreSQL on loopback, in $work, until the end; $postgres is what its programs begin with.
start_postgres() {
    need postgresql postgresql -- ls /usr/lib/postgresql/*/bin/initdb
    install_missing
    local bin=(/usr/lib/postgresql/*/bin) as=()
    if [ "$(id -u)" -eq 0 ]; then as=(runuser -u postgres --); fi
    postgres=("${as[@]}" "env" "PATH=${bin[-1]}:$PATH")
    postgres_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    chmod 755 "$work"
    mkdir "$work/postgres"
    [ "$(id -u)" -ne 0 ] || chown postgres "$work/postgres"
    "${postgres[@]}" initdb -D "$work/postgres/data" -A trust -U postgres --encoding=UTF8 --no-locale >"$work/out"
    "${postgres[@]}" pg_ctl -D "$work/postgres/data" -l "$work/postgres/log" -w start \
        -o "-p $postgres_port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$work/postgres" >"$work/out"
    trap '"${postgres[@]}" pg_ctl -D "$work/postgres/data" -m immediate stop >/dev/null 2>&1; rm -rf "$work"' EXIT
}

sql() {
    "${postgres[@]}" psql -X -q -A -t -h "$work/postgres" -p "$postgres_port" -U postgres "$@"
}

# bench_export NODES: a day of so many thousand nodes to each copy, and once more when nothing has changed. Each of a
# thousand agents stands for several nodes.
bench_export() {
    local thousands=$1 here=$work/export-$1 engine first_ms first_kib bytes bar most_mib run
    echo "export of a day of $((thousands * 1000)) nodes of 8 cards"
    start "$here" 1000 0 1000
    awk -v thousands="$thousands" '/^\[/ { is_node = $0 == "[[nodes]]" } /^name/ { name = $3 } is_node && /^url/ { for (n = 1; n < thousands; n++)
        printf "[[nodes]]\nname = \"%d-%s\nurl = %s\n\n", n, substr(name, 2), $3 }' "$here/daily-gpu-log.toml" >"$here/more"
    cat "$here/more" "$here/daily-gpu-log.toml" >"$here/all"
    "$program" --config "$here/all" --data-dir "$here/data" --quiet "$day" || fail "the day is not collected"
    stop
    touch "$here/password"
    chmod 600 "$here/password"
    echo postgres >"$here/password"
    for run in 1 2 3; do
        sql -c "CREATE DATABASE gpu$thousands$run"
        { cat "$here/all" && printf '[database]\nurl = "postgres://postgres@127.0.0.1:%d/gpu%d%d?sslmode=disable"\npassword_file = "%s"\n' \
            "$postgres_port" "$thousands" "$run" "$here/password"; } >"$here/$run.toml"
    done
    for engine in sqlite postgres parquet; do
        local export=("$program" export "$engine" "$day" --config "$here/RUN.toml" --data-dir "$here/data")
        case $engine in
            sqlite) export+=(--file "$here/gpu-RUN.sqlite") bar=2 most_mib=35 ;;
            postgres) bar=1 most_mib=15 ;;
            parquet) export+=(--dir "$here/dataset-RUN") bar=0.5 most_mib=13 ;;
        esac
        measure "$engine" 3 "${export[@]}"
        first_ms=$wall_ms first_kib=$peak_kib
        measure "$engine, unchanged" 3 "${export[@]}"
        case $engine in
            sqlite) bytes=$(cat "$here/gpu-1.sqlite"* | wc -c) ;;
            postgres) bytes=$(sql -d "gpu${thousands}1" -c "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c
                JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'daily_gpu_log' AND relkind = 'r'") ;;
            parquet) bytes=$(find "$here/dataset-1" -type f -exec cat {} + | wc -c) ;;
        esac
        awk -v engine="$engine" -v first="$first_ms" -v again="$wall_ms" -v bytes="$bytes" -v kib="$first_kib" \
            -v thousands="$thousands" -v bar="$bar" -v most="$most_mib" 'BEGIN {
            printf "  %s: %.2f s a thousand nodes (%s s), %.1f MB a thousand (%d MB); unchanged %.1f %% of it (10 %%); peak %.1f MiB (64 MiB)\n",
                engine, first / 1000 / thousands, bar, bytes / 1e6 / thousands, most, 100 * again / first, kib / 1024
            exit bytes / 1e6 / thousands > most || kib > 65536 }' || fail "the copy is larger, or needs more memory, than it may"
    done
    rm -r "$here"
}

# bench_parent NODES RUNS: nodes behind one parent, which nginx is: it has one recorded answer for all of them.
bench_parent() {
    local nodes=$1 runs=$2 here=$work/parent port ours curl plain
    echo "$nodes nodes of 8 cards behind one parent (medians of $runs runs)"
    start "$here" 1 0 1
    "$program" --config "$here/daily-gpu-log.toml" --data-dir "$here/one" --quiet --skip-task-info "$day"
    ask "urls $here/urls"
    mkdir "$here/www"
    grep -o 'http://[^"]*/api/v1/data[^"]*' "$here/urls" | head -n 1 >"$here/url"
    curl --silent --fail --output "$here/www/answer" "$(cat "$here/url")"
    stop
    port=$(shuf -i 20000-32000 -n 1)
    local parent=http://127.0.0.1:$port
    seq -f '%05.0f' "$nodes" >"$here/numbers"
    sed "s|.*|[[nodes]]\nname = \"gpu&\"\nurl = \"$parent/host/gpu&\"|" "$here/numbers" >"$here/parent.toml"
    sed "s|.*|url = \"$parent/host/gpu&/$(sed 's|http://[^/]*/||; s|&|\\\\&|g' "$here/url")\"\noutput = \"/dev/null\"|" \
        "$here/numbers" >"$here/parent.urls"
    awk 'BEGIN { printf "{\"mirrored_hosts_status\":[" }
        { printf "%s{\"hostname\":\"gpu%s\",\"guid\":\"cccccccc-0000-4000-8000-0000000%s\",\"reachable\":true}", comma, $1, $1; comma = "," }
        END { printf "]}" }' "$here/numbers" >"$here/www/info"
    cat >"$here/nginx.conf" <<END
user $(id -un) $(id -gn);
worker_processes 1;
pid $here/pid;
error_log $here/error.log;
events { worker_connections 1000; }
http {
    access_log off;
    default_type application/json;
    keepalive_requests 1000000;
    open_file_cache max=10;
    client_body_temp_path $here/body;
    proxy_temp_path $here/proxy;
    fastcgi_temp_path $here/fastcgi;
    uwsgi_temp_path $here/uwsgi;
    scgi_temp_path $here/scgi;
    server {
        listen 127.0.0.1:$port;
        root $here/www;
        location = /api/v1/info { try_files /info =404; }
        location /host/ { try_files /answer =404; }
    }
}
END
    nginx -c "$here/nginx.conf" -e "$here/error.log"
    trap 'kill "$(cat "$work/parent/pid")"; rm -rf "$work"' EXIT
    measure 'daily-gpu-log' "$runs" "$program" --config "$here/parent.toml" --data-dir "$here/data-RUN" --quiet \
        --skip-task-info "$day"
    ours=$wall_ms
    [ "$(find "$here/data-1" -path "*/$day/*" | wc -l)" = $((nodes * 10)) ] || fail "not $nodes days of 10 files"
    measure 'curl --parallel' "$runs" curl --silent --parallel --config "$here/parent.urls"
    curl=$wall_ms
    cc -O2 -o "$here/plain_writer" scripts/plain_writer.c
    measure 'a plain writer' "$runs" "$here/plain_writer" "$here/data-1/gpu00001/$day" "$here/plain-RUN" "$nodes"
    plain=$wall_ms
    awk -v ours="$ours" -v curl="$curl" -v plain="$plain" \
        'BEGIN { printf "  daily-gpu-log / (curl + plain writer): %.2f (%+.0f ms)\n", ours / (curl + plain), ours - curl - plain }'
    kill "$(cat "$here/pid")"
    trap 'rm -rf "$work"' EXIT
}

fail() {
    echo "bench: $1" >&2
    exit 1
}

case "${1:-}" in
    parent) bench_parent 10000 3 && exit ;;
    export) start_postgres && bench_export 1 && bench_export 10 && exit ;;
esac

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

bench_report 4 1 128 50
bench_report 4 31 800 300
bench_report 100 1 1300 500
bench_report 100 31 8000 5000

start_postgres
bench_export 1
bench_export 10

bench_users 4 32
bench_users 4 2000

bench_troubled 1000 5 5 3 5
bench_troubled 1000 5 5 30 60
echo "  peak memory where all are healthy: $many KiB"
bench_troubled 1000 10 5 30 60

bench_parent 10000 3
