#!/usr/bin/env bash
# roll-back.sh STAGE: deploys again what the last deployment before this one left in good order: Flex Consumption has no slots to swap. It takes the
# package of the last successful run of deploy.yml, by `gh`; in another pipeline, deploy/app.sh takes any package that was kept. Contracts and
# infrastructure stay as they are: both only ever gain, so older code runs with them.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

stage=$(stage_of "${1-}")
need az gh
run=${2:-$(gh run list --workflow deploy.yml --branch main --status success --limit 1 --json databaseId --jq '.[0].databaseId')}
[ -n "$run" ] || die "no run of deploy.yml succeeded before"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
gh run download "$run" --name package --dir "$folder"
(cd "$folder" && sha256sum --check --strict app.zip.sha256 >&2)
"$root/deploy/app.sh" "$stage" "$folder/app.zip"
say "rolled back to the package of run $run"
