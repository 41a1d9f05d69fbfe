#!/usr/bin/env bash
# Looks at the page of the simulated cluster in a real browser: what it says, what it asks for, and how it prints.
# usage: scripts/check_report.sh [BINARY [DIRECTORY]]   (default target/release/daily-gpu-log; the directory gets pictures)
# The simulated cluster is taken from examples/ beside the binary. Installs Debian's chromium, python3 and
# fonts-noto-cjk where they are missing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/debian_packages.sh
. "$root/scripts/debian_packages.sh"

need chromium -- command -v chromium
need fonts-noto-cjk -- test -d /usr/share/fonts/opentype/noto
need python3 -- test -x /usr/bin/python3
install_missing

exec /usr/bin/python3 "$root/scripts/check_report.py" "${1:-$root/target/release/daily-gpu-log}" "${2:-}"
