#!/usr/bin/env bash
# Feeds what --metrics-file writes to a real node_exporter, and compares what that serves with the run's own figures.
# usage: scripts/check_metrics.sh [BINARY]        (default target/release/daily-gpu-log)
# The simulated cluster is taken from examples/ beside the binary. Installs Debian's prometheus-node-exporter,
# python3 and python3-prometheus-client where they are missing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/debian_packages.sh
. "$root/scripts/debian_packages.sh"

need prometheus-node-exporter prometheus-node-exporter -- command -v prometheus-node-exporter
need python3 -- test -x /usr/bin/python3
need python3-prometheus-client -- /usr/bin/python3 -c 'import prometheus_client.openmetrics.parser'
install_missing

# Debian's own: another one on the path does not have its modules.
exec /usr/bin/python3 "$root/scripts/check_metrics.py" "${1:-$root/target/release/daily-gpu-log}"
