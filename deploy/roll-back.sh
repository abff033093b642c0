#!/usr/bin/env bash
# roll-back.sh STAGE [RUN]: deploys an earlier package again: Flex Consumption has no slots to swap. It takes the package of this run of deploy.yml on
# main, by `gh`, or of the last one that succeeded, which after a run that failed is the one before it; in another pipeline, deploy/app.sh
# takes any package that was kept. Contracts and infrastructure stay as they are: both only ever gain, so older code runs with them.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

stage=$(stage_of "${1-}")
need az gh
run=${2:-$(gh run list --workflow deploy.yml --branch main --status success --limit 1 --json databaseId --jq '.[0].databaseId')}
[ -n "$run" ] || die "no run of deploy.yml succeeded before"
[[ $run =~ ^[0-9]+$ ]] || die "$run is no number of a run"
# Runs of pull requests, of strangers among them, keep artifacts too, and may call them as they like.
origin=$(gh run view "$run" --json workflowName,headBranch,event --jq '"\(.workflowName) \(.headBranch) \(.event)"')
case $origin in
"Deploy main push" | "Deploy main workflow_dispatch") ;;
*) die "run $run is no run of deploy.yml on main: $origin" ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
gh run download "$run" --name package --dir "$folder"
(cd "$folder" && sha256sum --check --strict app.zip.sha256 >&2)
"$root/deploy/app.sh" "$stage" "$folder/app.zip"
say "rolled back to the package of run $run"
