#!/usr/bin/env bash
# infrastructure.sh STAGE [COMMIT]: deploys bicep/main.bicep with the parameters of this stage. The deployment's name carries the commit; repeating it
# changes nothing. It needs AZURE_LOCATION.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

stage=$(stage_of "${1-}")
location=${AZURE_LOCATION:?say the region of the deployment in AZURE_LOCATION}
need az bicep git
commit=${2:-$(git -C "$root" rev-parse HEAD)}

az deployment sub create --name "contoso-events-$stage-${commit:0:12}" --location "$location" \
    --template-file "$root/bicep/main.bicep" --parameters "$root/bicep/environments/$stage.bicepparam" --output none
say "deployed: $(output "$stage" resourceGroupName.value)"
