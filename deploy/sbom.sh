#!/usr/bin/env bash
# sbom.sh [FILE]: writes the bill of materials of the handler that is deployed (target/app.cdx.json by default): every crate of it, by Cargo.lock, as
# CycloneDX. Dependencies of its build are in it too, since OpenSSL comes as one (openssl-src) and is linked.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

# Pinned: cargo takes it, and with --locked what it is made of, by the sums of its registry.
version=0.5.9
file=${1:-$root/target/app.cdx.json}
need cargo
tools=$root/target/sbom-tools
cargo install cargo-cyclonedx --version "$version" --locked --root "$tools" >&2

# It writes a file beside each Cargo.toml of the workspace, of which the handler's is wanted.
name=app-$$.cdx
trap 'find "$root" -path "$root/target" -prune -o -name "$name.json" -exec rm -f {} +' EXIT
"$tools/bin/cargo-cyclonedx" cyclonedx --manifest-path "$root/handlers/Cargo.toml" --format json --spec-version 1.5 \
    --target x86_64-unknown-linux-gnu --override-filename "$name"
mkdir -p "$(dirname -- "$file")"
mv "$root/handlers/$name.json" "$file"
say "wrote $file"
