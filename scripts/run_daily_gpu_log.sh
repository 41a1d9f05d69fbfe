#!/usr/bin/env bash
# Takes the arguments of the wrapper of the same name that came before this program, so that its crontab line keeps
# working: none for today, a date, --help; everything else is the program's own.
# usage: scripts/run_daily_gpu_log.sh [OPTIONS] [DATE]
# Looks for the program in $DAILY_GPU_LOG_BIN, in PATH (which is short under cron), and where cargo builds it.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root"      # data/ and daily-gpu-log.toml are here, wherever cron starts

# Takes what is wrong in both languages.
fail() {
    if [ "${DAILY_GPU_LOG_LANG:-}" = en ]; then
        printf 'error: %s\n' "$2" >&2
    else
        printf '錯誤：%s\n' "$1" >&2
    fi
    exit 1
}

if [ -n "${DAILY_GPU_LOG_BIN:-}" ]; then
    # What is asked for by name is run or missed, never replaced by another.
    binary=$(type -P -- "$DAILY_GPU_LOG_BIN") ||
        fail "環境變數 DAILY_GPU_LOG_BIN 所指的「$DAILY_GPU_LOG_BIN」不存在或無法執行" \
            "the variable DAILY_GPU_LOG_BIN names '$DAILY_GPU_LOG_BIN', which is not there or cannot be run"
else
    binary=$(type -P daily-gpu-log || type -P "$root/target/release/daily-gpu-log") ||
        fail "找不到 daily-gpu-log：請在 $root 執行 cargo build --release，或將環境變數 DAILY_GPU_LOG_BIN 設為執行檔的路徑" \
            "daily-gpu-log is not found: run cargo build --release in $root, or set the variable DAILY_GPU_LOG_BIN to the path of the program"
fi
exec "$binary" "$@"
