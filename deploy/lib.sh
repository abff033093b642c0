# shellcheck shell=bash
# What the scripts beside this one share: sourced, never run. All of them take the stage (dev, test or prod) as their first argument, work in the
# subscription that `az` is signed in to, and find names of resources in the outputs of its last deployment of bicep/main.bicep.

set -euo pipefail
root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
export root
# The compiler in PATH, which install-bicep.sh pins, instead of one that az downloads by itself.
export AZURE_BICEP_USE_BINARY_FROM_PATH=true AZURE_BICEP_CHECK_VERSION=false

# An empty variable is none: a pipeline sets every variable that it hands on, and the parameters of bicep/environments would take '' for a value.
for name in $(compgen -e CONTOSO_); do
    [ -n "${!name}" ] || unset "$name"
done

say() {
    printf '%s\n' "$*" >&2
}

die() {
    say "error: $*"
    exit 1
}

# need COMMAND...: all of them are there.
need() {
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null || die "$command is missing; docs/deploy.md lists what a deployment needs"
    done
}

# The stage that a script is asked for.
stage_of() {
    [[ ${1-} =~ ^[a-z][a-z0-9-]*$ ]] || die "say the stage first, such as dev"
    printf '%s\n' "$1"
}

# try MINUTES COMMAND...: repeats until it succeeds, with pauses that double up to a minute. A role that was just granted takes minutes to act.
try() {
    local end=$((SECONDS + $1 * 60)) pause=5
    shift
    until "$@"; do
        ((SECONDS + pause < end)) || return 1
        say "again in $pause s: $1"
        sleep "$pause"
        pause=$((pause * 2 > 60 ? 60 : pause * 2))
    done
}

# Name of the stage's last successful deployment: ours carries the commit, that of azd a tag with its environment.
deployment_of() {
    local name
    name=$(az deployment sub list --output tsv --query "sort_by([?properties.provisioningState=='Succeeded' &&
        (starts_with(name, 'contoso-events-$1-') || tags.\"azd-env-name\"=='$1')], &properties.timestamp)[-1].name")
    [ -n "$name" ] || die "this subscription has no successful deployment of $1; deploy/infrastructure.sh $1 makes one"
    printf '%s\n' "$name"
}

# output STAGE QUERY: an output of main.bicep by a JMESPath below `properties.outputs`, such as resourceGroupName.value.
output() {
    local value
    value=$(az deployment sub show --name "$(deployment_of "$1")" --output tsv --query "properties.outputs.$2")
    [ -n "$value" ] || die "the deployment of $1 has no output $2"
    printf '%s\n' "$value"
}

# app_with STAGE FUNCTION FIELD: the functionApp (its name in Azure) or hostName of the app that runs a function.
app_with() {
    output "$1" "apps.value[?contains(functions, '$2')].$3 | [0]"
}

# shellcheck disable=SC2154 # stage and location are the caller's.
# deployer: sets `parameters`, the arguments of a deployment of bicep/main.bicep to $stage. The deployer gets roles on data, for contracts and pages, so
# the parameters want its object id: that of the pipeline, or the person who is signed in.
deployer() {
    [ -f "$root/bicep/environments/$stage.bicepparam" ] || die "there is no stage $stage: bicep/environments has no $stage.bicepparam"
    parameters=(--parameters "$root/bicep/environments/$stage.bicepparam")
    export CONTOSO_LOCATION=${CONTOSO_LOCATION:-$location}
    # A pipeline may not give itself roles, so what prepares it is left to a person, whatever the variables of the pipeline say.
    if [ -n "${GITHUB_ACTIONS-}${TF_BUILD-}" ]; then
        unset CONTOSO_REPOSITORY
    fi
    if [ -z "${CONTOSO_DEPLOYER_ID-}" ]; then
        CONTOSO_DEPLOYER_ID=$(az ad signed-in-user show --query id --output tsv) ||
            die "say the object id of who deploys in CONTOSO_DEPLOYER_ID"
        export CONTOSO_DEPLOYER_ID
        parameters+=(--parameters deployerPrincipalType=User)
    fi
}
