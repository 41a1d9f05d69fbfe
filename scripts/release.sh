#!/usr/bin/env bash
# Makes the files of a release for x86_64: a static binary in a tarball and in a Debian package, and their checksums.
# usage: scripts/release.sh [--check] [DIR]        (default target/release-files)
# The same source and the same compiler make the same bytes, wherever they are. With --check it makes them once more,
# from a copy of the source in another folder, with another folder for the crates, and compares.
# Needs rustup or a toolchain with the musl target; installs Debian's musl-tools, and cargo-deb below target/, where
# they are missing.
set -euo pipefail
umask 022

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
platform=x86_64-unknown-linux-musl
cargo_deb=3.8.0

# shellcheck source=scripts/debian_packages.sh
. "$root/scripts/debian_packages.sh"

fail() {
    printf 'release: %s\n' "$1" >&2
    exit 1
}

checks=
if [ "${1:-}" = --check ]; then checks=yes && shift; fi
[ $# -le 1 ] || fail "usage: scripts/release.sh [--check] [DIR]"
mkdir -p "${1:-$root/target/release-files}"
files=$(cd "${1:-$root/target/release-files}" && pwd)

cd "$root"
# The time that all files carry: that of the commit.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) ||
        fail "set SOURCE_DATE_EPOCH where there is no commit to take the time from"
    git diff --quiet HEAD || fail "there are changes without a commit: commit first, or set SOURCE_DATE_EPOCH"
fi
export SOURCE_DATE_EPOCH
target_dir=${CARGO_TARGET_DIR:-$root/target}
tools=${RELEASE_TOOLS:-$target_dir/tools}/cargo-deb-$cargo_deb
crates=${CARGO_HOME:-$HOME/.cargo}
package=$root/target/package      # where Cargo.toml takes the files of the Debian package from

need musl-tools -- command -v musl-gcc
install_missing
[ -d "$(rustc --print target-libdir --target "$platform")" ] || rustup target add "$platform" ||
    fail "the target $platform cannot be had: without it there is no binary that runs on every Linux"
[ -x "$tools/bin/cargo-deb" ] ||
    cargo install cargo-deb --version "$cargo_deb" --locked --root "$tools" --target-dir "$tools/build"

# No path of this machine stands in the binary, of Rust or of C: the last prefix that fits is replaced. What the
# environment says of flags and of the profile would take the place of this.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS "${!CARGO_PROFILE_RELEASE_@}"
export CFLAGS_x86_64_unknown_linux_musl="-ffile-prefix-map=$crates=/cargo -ffile-prefix-map=$target_dir=/target"
cargo build --locked --release --target "$platform" --bin daily-gpu-log --target-dir "$target_dir" --config \
    "target.$platform.rustflags = ['--remap-path-prefix=$root=/source', '--remap-path-prefix=$crates=/cargo', '--remap-path-prefix=$target_dir=/target']"

rm -rf "$package"
install -D "$target_dir/$platform/release/daily-gpu-log" "$package/bin/daily-gpu-log"
binary=$package/bin/daily-gpu-log
install -D -m 644 -t "$package" README.md
install -D -m 644 -t "$package/scripts" scripts/daily-gpu-log.{service,timer,crontab}
install -D -m 755 -t "$package/scripts" scripts/gpu-inventory.sh
cp -r scripts/sql "$package/scripts"
man() {
    local section
    "$binary" man --lang "$1" --dir "$package/man"
    for section in 1 7; do
        install -D -m 644 -t "$package/share/man$2/man$section" "$package"/man/*."$section"
    done
    rm -r "$package/man"
}
man en ''
man zh-TW /zh_TW
completions() {
    mkdir -p "$(dirname "$package/share/$2")"
    "$binary" completions --lang zh-TW "$1" >"$package/share/$2"
}
completions bash bash-completion/completions/daily-gpu-log
completions zsh zsh/site-functions/_daily-gpu-log
completions fish fish/vendor_completions.d/daily-gpu-log.fish
mkdir -p "$package/share/doc/daily-gpu-log"
install -m 644 scripts/debian/copyright "$package/share/doc/daily-gpu-log/copyright"
list=$package/share/doc/daily-gpu-log/crates.txt
cargo tree --locked --target "$platform" --edges normal,no-proc-macro --prefix none --format '{p}: {l}' |
    grep -v -e '^daily-gpu-log ' -e '(\*)$' | LC_ALL=C sort -u >"$list"
scripts/licences.sh "$list" >"${list%/*}/licences"
gzip -9n "${list%/*}/licences"

rm -f "$files"/daily-gpu-log[-_]* "$files/SHA256SUMS"
name=$("$binary" --version)
name=${name/ /-}-x86_64-linux-musl
tar --create --directory="$package" --transform="s,^\.,$name," --sort=name --format=gnu --mtime="@$SOURCE_DATE_EPOCH" \
    --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX . | gzip -9n >"$files/$name.tar.gz"
# An older program in /usr/local/bin, which is looked into first, is not that of the package.
sed -i -e '/^# In \/usr\/local\/bin/d' -e 's,^\(ExecStart=\|[0-9].* \* \)daily-gpu-log ,\1/usr/bin/daily-gpu-log ,' \
    "$package"/scripts/daily-gpu-log.{service,crontab}
PATH=$tools/bin:$PATH cargo deb --no-build --no-strip --locked --target "$platform" --output "$files" --quiet
(cd "$files" && sha256sum daily-gpu-log[-_]* >SHA256SUMS)
echo "$files:"
(cd "$files" && wc -c -- *)
file -b "$binary" 2>/dev/null || true

[ -n "$checks" ] || exit 0
other=$(mktemp -d)
trap 'rm -rf "$other"' EXIT
mkdir -p "$other/elsewhere/source" "$other/crates/registry"
git ls-files -z | xargs -0 cp --parents -t "$other/elsewhere/source"
cp -r "$crates/registry/cache" "$crates/registry/index" "$other/crates/registry"
[ ! -e "$crates/config.toml" ] || cp "$crates/config.toml" "$other/crates"
CARGO_HOME=$other/crates CARGO_TARGET_DIR="$other/elsewhere/built" RELEASE_TOOLS=${tools%/*} \
    "$other/elsewhere/source/scripts/release.sh" "$other/files"
diff -r "$files" "$other/files" || fail "the two builds differ"
! grep -aq -e "$root" -e "$crates" "$binary" || fail "the binary names folders of this machine"
echo "two builds in two folders: the same bytes"
