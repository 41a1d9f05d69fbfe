#!/usr/bin/env bash
# Exports a tree to SQLite, PostgreSQL and Parquet, reads it back with the real engines, and compares every value with the
# CSVs; kills exports, stops the server, fills the disk, and exports from four machines at once.
# usage: scripts/check_engines.sh [BINARY [SIMULATION]] [--all]
#        (default target/release/daily-gpu-log and target/release/examples/simulated-cluster)
# With --all also ClickHouse's engine and a Spark cluster read the dataset, fifty exports to each copy are killed, and a
# machine has 250 nodes. Needs Debian, and root or sudo; installs its postgresql, sqlite3, openssl and python3-venv, and
# for --all a Java, where they are missing, and engines from PyPI into target/check-engines.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
all=
files=()
for argument; do
    if [ "$argument" = --all ]; then all=--all; else files+=("$argument"); fi
done
binary=${files[0]:-$root/target/release/daily-gpu-log}
simulation=${files[1]:-$root/target/release/examples/simulated-cluster}
engines=(duckdb==2.0.1)

# shellcheck source=scripts/debian_packages.sh
. "$root/scripts/debian_packages.sh"

need postgresql postgresql -- ls /usr/lib/postgresql/*/bin/initdb
need sqlite3 -- test -x /usr/bin/sqlite3
need openssl -- command -v openssl
need python3 -- test -x /usr/bin/python3
need python3-venv -- /usr/bin/python3 -c 'import ensurepip'
if [ -n "$all" ]; then
    engines+=(chdb==4.4.0 pyspark==4.3.0)
    need default-jre-headless -- command -v java
fi
install_missing

python=$root/target/check-engines/bin/python
[ -x "$python" ] || /usr/bin/python3 -m venv "$root/target/check-engines"
"$python" -m pip install --quiet "${engines[@]}"

exec "$python" -B "$root/scripts/check_engines.py" "$binary" "$simulation" $all
