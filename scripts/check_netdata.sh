#!/usr/bin/env bash
# Collects from a real Netdata agent and compares every reading with what the agent was fed.
# usage: scripts/check_netdata.sh [BINARY]        (default target/release/daily-gpu-log)
# Needs a Debian whose netdata-core is a 1.37 (bookworm); installs it, python3 and openssl, where they are missing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/debian_packages.sh
. "$root/scripts/debian_packages.sh"

need netdata-core netdata -- command -v netdata
need python3 -- command -v python3
need openssl -- command -v openssl
install_missing

exec python3 "$root/scripts/check_netdata.py" "${1:-$root/target/release/daily-gpu-log}"
