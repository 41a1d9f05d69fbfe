#!/usr/bin/env bash
# Lets the program send mail through a real SMTP server, and a message to a chat over HTTPS, and looks at what arrives.
# usage: scripts/check_notify.sh [BINARY [SIMULATION]]
#        (default target/release/daily-gpu-log and target/release/examples/simulated-cluster)
# Needs Debian; installs its python3-aiosmtpd and openssl where they are missing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
binary=${1:-$root/target/release/daily-gpu-log}
simulation=${2:-$root/target/release/examples/simulated-cluster}
python=/usr/bin/python3        # Debian's own: another one on the path does not see Debian's packages

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

missing=()
"$python" -c 'import aiosmtpd' 2>/dev/null || missing+=(python3-aiosmtpd)
command -v openssl >/dev/null || missing+=(openssl)

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
fi

exec "$python" "$root/scripts/check_notify.py" "$binary" "$simulation"
