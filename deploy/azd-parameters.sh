#!/usr/bin/env bash
# azd-parameters.sh STAGE [FILE]: writes the stage's parameters where azd looks for them, bicep/main.bicepparam, which Git ignores. azd knows one file
# of parameters beside the template, whatever its environment is called (Azure/azure-dev#6330). The region is that of azd's environment, and
# the deployer whoever is signed in, unless CONTOSO_DEPLOYER_ID says otherwise.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

stage=$(stage_of "${1-}")
location=${AZURE_LOCATION:?say the region: azd env set AZURE_LOCATION}
source=$root/bicep/environments/$stage.bicepparam
need az
[ -f "$source" ] || die "azd's environment is called $stage, and there is no $source; name it after a stage"

# azd asks for a subscription, and az, which the scripts after it use, has one of its own.
if [ -n "${AZURE_SUBSCRIPTION_ID-}" ]; then
    signed_in=$(az account show --query id --output tsv)
    [ "$signed_in" = "$AZURE_SUBSCRIPTION_ID" ] ||
        die "azd deploys to the subscription $AZURE_SUBSCRIPTION_ID, and az works in $signed_in: az account set --subscription $AZURE_SUBSCRIPTION_ID"
fi

changes=(-e "s|^using '\.\./main\.bicep'|using 'main.bicep'|" -e "s|^param location = .*|param location = '$location'|")
person=${CONTOSO_DEPLOYER_ID:+no}
deployer
if [ -z "$person" ]; then
    changes+=(-e "s|^param deployerPrincipalType = .*|param deployerPrincipalType = 'User'|")
fi
changes+=(-e "s|^param deployerPrincipalId = .*|param deployerPrincipalId = '$CONTOSO_DEPLOYER_ID'|")
sed "${changes[@]}" "$source" >"${2:-$root/bicep/main.bicepparam}"
