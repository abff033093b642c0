#!/usr/bin/env bash
# plan-identity.sh STAGE OWNER/NAME: makes the identity that what-if runs as in GitHub's environment STAGE-plan, and prints the variables of that
# environment. It may read the subscription and ask what a deployment would change, and nothing else. A person who owns the subscription runs it,
# once, after the first deployment of the stage; the identity that deploys is part of the templates (CONTOSO_REPOSITORY).
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

stage=$(stage_of "${1-}")
repository=${2:?say the repository as OWNER/NAME, in the case that GitHub has it: subjects are compared letter by letter}
need az
group=$(output "$stage" resourceGroupName.value)
subscription=$(az account show --query id --output tsv)
# Names of roles are unique in a tenant, and stages may have subscriptions of their own.
role="Contoso Events plan $subscription"
name=id-plan-$stage

if [ -z "$(az role definition list --name "$role" --query '[].name' --output tsv)" ]; then
    az role definition create --output none --role-definition '{
        "Name": "'"$role"'",
        "Description": "Reads everything but data and secrets, and asks what a deployment would change.",
        "Actions": ["*/read", "Microsoft.Resources/deployments/whatIf/action", "Microsoft.Resources/deployments/validate/action"],
        "AssignableScopes": ["/subscriptions/'"$subscription"'"] }'
fi
# Tagged as the policy on tags asks.
az identity create --resource-group "$group" --name "$name" --output none \
    --tags workload=contoso-events environment="$stage" team=platform managedBy=plan-identity.sh
az identity federated-credential create --resource-group "$group" --identity-name "$name" --name github --output none \
    --issuer https://token.actions.githubusercontent.com --subject "repo:$repository:environment:$stage-plan" \
    --audiences api://AzureADTokenExchange
principal=$(az identity show --resource-group "$group" --name "$name" --query principalId --output tsv)
grant() {
    az role assignment create --assignee-object-id "$principal" --assignee-principal-type ServicePrincipal --role "$role" \
        --scope "/subscriptions/$subscription" --output none
}
try 10 grant || die "the role $role cannot be given to $name"

printf 'AZURE_CLIENT_ID=%s\n' "$(az identity show --resource-group "$group" --name "$name" --query clientId --output tsv)"
printf 'AZURE_TENANT_ID=%s\n' "$(az account show --query tenantId --output tsv)"
printf 'AZURE_SUBSCRIPTION_ID=%s\n' "$subscription"
