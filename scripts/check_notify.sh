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

# shellcheck source=scripts/debian_packages.sh
. "$root/scripts/debian_packages.sh"

need python3 -- test -x "$python"
need python3-aiosmtpd -- "$python" -c 'import aiosmtpd'
need openssl -- command -v openssl
install_missing

exec "$python" "$root/scripts/check_notify.py" "$binary" "$simulation"
