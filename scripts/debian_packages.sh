# Sourced by the checks that need programs of Debian's: says what is needed, and installs what of it is missing.
# shellcheck shell=bash

missing=() services=()
PATH=$PATH:/usr/sbin        # where Debian puts servers, and not on everyone's path

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# need PACKAGE [SERVICE] -- COMMAND...: the package, unless the command succeeds; the service is what the package starts.
need() {
    local package=$1 service=
    shift
    if [ "$1" != -- ]; then service=$1 && shift; fi
    shift
    "$@" >/dev/null 2>&1 && return
    missing+=("$package")
    [ -z "$service" ] || services+=("$service")
}

# Installs what is missing. A package starts its service, and starts it again at boot: those are stopped. A service
# that was here before is left alone.
install_missing() {
    local log service
    [ ${#missing[@]} -gt 0 ] || return 0
    log=$(mktemp)
    if ! { as_root apt-get update &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
        >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
    for service in "${services[@]}"; do
        if [ -d /run/systemd/system ]; then
            as_root systemctl disable --now "$service.service"
        elif [ -x "/etc/init.d/$service" ]; then
            as_root "/etc/init.d/$service" stop >/dev/null 2>&1 || true
        fi
    done
}
