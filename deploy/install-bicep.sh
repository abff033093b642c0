#!/usr/bin/env bash
# install-bicep.sh FOLDER: puts the Bicep compiler into FOLDER, as `bicep`.
#
# From NuGet (Azure.Bicep.CommandLine), not from GitHub's releases: a package there is signed by its author and by the registry, which `dotnet
# nuget verify` checks against certificates, where a release on GitHub is a file whose checksum stands beside it. Where there is no
# dotnet, BICEP_SHA256 must be the package's SHA-256; where both are there, both must agree.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

# Pinned: another release has other linter rules and other types. bicep/ has no diagnostic with this one.
version=0.49.2
folder=${1:?say the folder}
case "$(uname -s)-$(uname -m)" in
Linux-x86_64) platform=linux-x64 ;;
Linux-aarch64) platform=linux-arm64 ;;
Darwin-x86_64) platform=osx-x64 ;;
Darwin-arm64) platform=osx-arm64 ;;
*) die "no Bicep compiler for $(uname -s) on $(uname -m)" ;;
esac
need curl python3

package=azure.bicep.commandline.$platform
download=$(mktemp -d)
trap 'rm -rf "$download"' EXIT
file=$download/$package.$version.nupkg
curl --fail --silent --show-error --location --retry 5 --output "$file" \
    "https://api.nuget.org/v3-flatcontainer/$package/$version/$package.$version.nupkg"

checked=
sha256=$(python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$file")
if [ -n "${BICEP_SHA256-}" ]; then
    [ "$sha256" = "$BICEP_SHA256" ] || die "$package $version has the SHA-256 $sha256, not $BICEP_SHA256"
    checked=yes
fi
if command -v dotnet >/dev/null; then
    dotnet nuget verify --all "$file" >&2 || die "the signature of $package $version is not valid"
    checked=yes
fi
[ -n "$checked" ] || die "there is no dotnet to verify the signature of $package $version with; say its checksum in BICEP_SHA256"

mkdir -p "$folder"
python3 - "$file" "$folder/bicep" <<'PYTHON'
import os, sys, zipfile

package, target = sys.argv[1:]
with zipfile.ZipFile(package) as content, open(target, "wb") as file:
    file.write(content.read("tools/bicep"))
os.chmod(target, 0o755)
PYTHON
"$folder/bicep" --version
