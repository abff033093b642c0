#!/usr/bin/env bash
# bicep-check.sh [FOLDER [SNAPSHOTS]]: compiles, lints, formats and snapshots the Bicep sources (bicep/ by default) with the real compiler, and fails
# on any diagnostic: by itself the compiler succeeds with warnings. Nothing in FOLDER is changed; snapshots go to SNAPSHOTS (target/bicep by
# default). The compiler is `bicep` in PATH, or what BICEP says.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

source=${1:-$root/bicep}
snapshots=${2:-$root/target/bicep}
bicep=${BICEP:-bicep}
need "$bicep"
[ -f "$source/main.bicep" ] || die "$source has no main.bicep"
mkdir -p "$snapshots"
source=$(CDPATH='' cd -- "$source" && pwd)
snapshots=$(CDPATH='' cd -- "$snapshots" && pwd)

# The compiler writes snapshots and formatted files beside the sources, so it is given a copy.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R "$source" "$work/bicep"
cd "$work"
failed=0
: >diagnostics

# compile ARGUMENT...: whatever the compiler says on stderr counts, line by line.
compile() {
    if ! "$bicep" "$@" >stdout 2>stderr; then
        failed=$((failed + 1))
        say "bicep $*: failed"
    fi
    grep -v '^[[:space:]]*$' stderr >>diagnostics || true
}

"$bicep" --version >&2
compile build bicep/main.bicep --outfile main.json
compile lint --pattern 'bicep/**/*.bicep'
for parameters in bicep/environments/*.bicepparam; do
    compile build-params "$parameters" --outfile parameters.json
    case $parameters in
    # Deployed to a resource group, after the code.
    *.subscriptions.bicepparam) continue ;;
    esac
    # Any ids will do: they make names concrete, and the same at each run.
    compile snapshot "$parameters" --mode overwrite --location westeurope \
        --tenant-id 00000000-0000-0000-0000-000000000001 --subscription-id 00000000-0000-0000-0000-000000000002
    snapshot=${parameters%.bicepparam}.snapshot.json
    if [ -f "$snapshot" ]; then
        mv "$snapshot" "$snapshots/"
    else
        failed=$((failed + 1))
        say "bicep snapshot $parameters: wrote nothing"
    fi
done

compile format --pattern 'bicep/**/*.bicep'
compile format --pattern 'bicep/**/*.bicepparam'
unformatted=$(diff -rq "$source" bicep || true)

# Build and lint find the same; a line that both say is one diagnostic.
sort -u diagnostics >&2
count=$(($(sort -u diagnostics | wc -l)))
say "$count diagnostics, $failed failed commands"
if [ -n "$unformatted" ]; then
    say "not as \`bicep format\` writes it:"
    say "$unformatted"
fi
[ "$count" -eq 0 ] && [ "$failed" -eq 0 ] && [ -z "$unformatted" ]
