#!/usr/bin/env bash
# subscriptions.sh STAGE: subscribes functions to Event Grid, once their code is there: Azure asks a function before it makes a subscription to it.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

stage=$(stage_of "${1-}")
need az bicep
group=$(output "$stage" resourceGroupName.value)

try 10 az deployment group create --resource-group "$group" --name "contoso-events-$stage-subscriptions" \
    --parameters "$root/bicep/environments/$stage.subscriptions.bicepparam" --output none ||
    die "the functions of $group do not take their subscriptions; a host that is starting answers so"
say "subscribed the functions of $group"
