#!/usr/bin/env bash
# Has systemd and cron read the units and the crontab, and runs the program under the service's restrictions.
# usage: scripts/check_units.sh [BINARY]        (default target/release/daily-gpu-log)
# The simulated cluster is taken from examples/ beside the binary. Needs root. Installs Debian's systemd, cron, python3
# and python3-seccomp where they are missing; none of them is started.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/debian_packages.sh
. "$root/scripts/debian_packages.sh"

need systemd -- command -v systemd-analyze
need cron cron -- command -v crontab
need python3 -- test -x /usr/bin/python3
need python3-seccomp -- /usr/bin/python3 -c 'import seccomp'
install_missing

# Debian's own: another one on the path does not have its modules.
as_root /usr/bin/python3 "$root/scripts/check_units.py" "${1:-$root/target/release/daily-gpu-log}"
