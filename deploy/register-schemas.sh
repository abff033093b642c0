#!/usr/bin/env bash
# register-schemas.sh STAGE: registers every contract of schemas/ in the stage's schema group, before code that writes by it runs. The service
# adds a version where the contract changed, leaves what it has, and refuses what is not compatible with the version before.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

stage=$(stage_of "${1-}")
need az curl python3
namespace=$(output "$stage" eventHubsNamespace.value)
group=$(output "$stage" schemaGroup.value)
token=$(az account get-access-token --resource https://eventhubs.azure.net --query accessToken --output tsv)

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

register() {
    # The token comes from a file descriptor, so that no list of processes shows it.
    curl --fail-with-body --silent --show-error --max-time 30 --output "$answer" \
        --header @<(printf 'Authorization: Bearer %s\n' "$token") \
        --header 'Content-Type: application/json; serialization=Avro' \
        --request PUT --data-binary "@$1" "https://$namespace/\$schemaGroups/$group/schemas/$2?api-version=2023-07-01" || {
        say "$(cat "$answer")"
        return 1
    }
}

for file in "$root"/schemas/*/*.avsc; do
    # A schema is called what its record is called, with the namespace.
    name=$(python3 -c 'import json, sys; record = json.load(open(sys.argv[1])); print(record["namespace"] + "." + record["name"])' "$file")
    try 10 register "$file" "$name" || die "the registry $namespace refuses $name"
    say "registered $name"
done
