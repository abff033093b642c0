#!/usr/bin/env bash
# infrastructure.sh STAGE [COMMIT]: deploys bicep/main.bicep with the parameters of this stage. The deployment's name carries the commit; repeating it
# changes nothing. It needs AZURE_LOCATION, and in a pipeline CONTOSO_DEPLOYER_ID, the object id that it signs in as; a person's is asked for.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

stage=$(stage_of "${1-}")
location=${AZURE_LOCATION:?say the region of the deployment in AZURE_LOCATION}
need az bicep git
commit=${2:-$(git -C "$root" rev-parse HEAD)}
deployer

az deployment sub create --name "contoso-events-$stage-${commit:0:12}" --location "$location" \
    --template-file "$root/bicep/main.bicep" "${parameters[@]}" --output none
say "deployed: $(output "$stage" resourceGroupName.value)"
