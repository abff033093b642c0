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

deploy() {
    az deployment sub create --name "contoso-events-$stage-${commit:0:12}" --location "$location" \
        --template-file "$root/bicep/main.bicep" "${parameters[@]}" --output none
}
# A role that the first deployment gives may not act yet when the next resource needs it: Event Hubs asks whether the deployer may write to the
# container of captured files, and Cosmos DB whether an identity exists. Repeating changes nothing that is there.
deploy || { say "once more: roles may not have acted yet" && deploy; }
say "deployed: $(output "$stage" resourceGroupName.value)"
