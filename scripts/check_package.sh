#!/usr/bin/env bash
# Installs the Debian package of a release in a bare Debian without Rust, runs a night there, upgrades, removes and
# purges it, and runs the tarball's binary where there is nothing else at all.
# usage: scripts/check_package.sh [DIR [SIMULATION]]
#        (default target/release-files, as scripts/release.sh makes it, and target/release/examples/simulated-cluster)
# Needs root on Debian; installs its debootstrap, systemd, openssl and python3 where they are missing, and takes the bare
# Debian from where apt takes its packages. Nothing of this machine is changed but by that.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
files=${1:-$root/target/release-files}
simulation=${2:-$root/target/release/examples/simulated-cluster}

# shellcheck source=scripts/debian_packages.sh
. "$root/scripts/debian_packages.sh"

need debootstrap -- command -v debootstrap
need systemd -- command -v systemd-analyze
need openssl -- command -v openssl
need python3 -- test -x /usr/bin/python3
install_missing

codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' "Codename: $codename" |
    head -n 1)
[ -n "$mirror" ] || { echo "check_package: apt has no packages of $codename: run apt-get update" >&2; exit 1; }

mkdir -p "$root/target/debs"
bare=$(mktemp -d "$root/target/bare-debian-XXXXXX")
chmod 755 "$bare"      # every account enters its root
trap 'as_root rm -rf --one-file-system "$bare"' EXIT
# adduser and ca-certificates are what the package depends on, beside what is always there.
as_root debootstrap --variant=minbase --include=adduser,ca-certificates --cache-dir="$root/target/debs" \
    "$codename" "$bare" "$mirror" >"$bare.log" 2>&1 || { cat "$bare.log" >&2; exit 1; }
rm -f "$bare.log"
as_root /usr/bin/python3 "$root/scripts/check_package.py" "$files" "$simulation" "$bare"
