#!/usr/bin/env bash
# release-notes.sh VERSION: prints what CHANGELOG.md says of a version, which has a heading `## VERSION` of its own.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

version=${1:?say the version}
version=${version#v}
notes=$(awk -v heading="## $version" '
    /^## / { inside = ($0 == heading || index($0, heading " ") == 1); next }
    inside' "$root/CHANGELOG.md")
[ -n "${notes//[[:space:]]/}" ] || die "CHANGELOG.md has no heading \"## $version\" with text below it"
printf '%s\n' "$notes"
