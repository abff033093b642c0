#!/usr/bin/env bash
# what-if.sh STAGE: asks Azure what deploying bicep/main.bicep to this stage would change, shows it, and fails where that cannot be undone
# (what-if-gate.py says which changes those are). It needs AZURE_LOCATION.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

stage=$(stage_of "${1-}")
location=${AZURE_LOCATION:?say the region of the deployment in AZURE_LOCATION}
need az bicep python3
deployer

mkdir -p "$root/target/bicep"
changes=$root/target/bicep/what-if-$stage.json
# ProviderNoRbac asks for rights to read only, as the identity of plans has.
az deployment sub what-if --name "contoso-events-$stage-what-if" --location "$location" \
    --template-file "$root/bicep/main.bicep" "${parameters[@]}" \
    --validation-level "${WHAT_IF_VALIDATION:-ProviderNoRbac}" --no-pretty-print >"$changes"
python3 "$root/deploy/what-if-gate.py" "$changes" "$root/deploy/what-if-accepted.txt"
