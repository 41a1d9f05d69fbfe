#!/usr/bin/env bash
# Prints the licences and notices of what the static binary contains: of Rust's standard library, and those that stand
# in the crates, each text once.
# usage: scripts/licences.sh LIST        (LIST: lines of "NAME vVERSION: LICENCE", in the order they are printed in)
set -euo pipefail
export LC_ALL=C

registry=${CARGO_HOME:-$HOME/.cargo}/registry/src
declare -A printed

library=$(rustc --print sysroot)/share/doc/rust/COPYRIGHT-library.html
if [ -r "$library" ]; then
    printf '==== the standard library of %s\n\n' "$(rustc --version)"
    sed -e 's/<[^>]*>//g' -e 's/&#60;/</g' -e 's/&#62;/>/g' -e 's/&#34;/"/g' -e "s/&#39;/'/g" -e 's/&#38;/\&/g' "$library"
fi

while read -r name version licence; do
    version=${version#v} version=${version%:}
    folders=("$registry"/*/"$name-$version")
    folder=${folders[0]}
    [ -d "$folder" ] || { echo "licences: no source of $name $version below $registry" >&2; exit 1; }
    printf '\n==== %s %s: %s\n' "$name" "$version" "$licence"
    files=$(find "$folder" -type f -regextype posix-extended \
        -iregex '.*/(un)?(licen[cs]e|copying|copyright|notice)[^/]*' -printf '%P\n' | sort)
    [ -n "$files" ] || sed -n -e '/^authors = .*\]$/p' -e '/^authors = \[$/,/^\]$/p' "$folder/Cargo.toml"
    for file in $files; do
        sum=$(sha256sum <"$folder/$file")
        if [ -n "${printed[$sum]:-}" ]; then
            printf '\n-- %s: as %s\n' "$file" "${printed[$sum]}"
        else
            printed[$sum]="$file of $name $version"
            printf '\n-- %s\n\n' "$file"
            cat "$folder/$file"
            echo
        fi
    done
done <"$1"
