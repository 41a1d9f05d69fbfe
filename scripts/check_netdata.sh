#!/usr/bin/env bash
# Collects from a real Netdata agent and compares every reading with what the agent was fed.
# usage: scripts/check_netdata.sh [BINARY]        (default target/release/daily-gpu-log)
# Needs a Debian whose netdata-core is a 1.37 (bookworm); installs it, and python3, where they are missing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
binary=${1:-$root/target/release/daily-gpu-log}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

missing=()
PATH=$PATH:/usr/sbin        # where Debian puts the agent, and not on everyone's path
command -v netdata >/dev/null || missing+=(netdata-core)
command -v python3 >/dev/null || missing+=(python3)

if [ ${#missing[@]} -gt 0 ]; then
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    if ! { as_root apt-get update &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
        >"$log" 2>&1; then
        cat "$log" >&2
        exit 1
    fi
    rm -f "$log"
    # The package starts its service, and starts it again at boot. A netdata that was here before is left alone.
    if [[ " ${missing[*]} " == *" netdata-core "* ]]; then
        if [ -d /run/systemd/system ]; then
            as_root systemctl disable --now netdata.service
        elif [ -x /etc/init.d/netdata ]; then
            as_root /etc/init.d/netdata stop >/dev/null 2>&1 || true
        fi
    fi
fi

exec python3 "$root/scripts/check_netdata.py" "$binary"
