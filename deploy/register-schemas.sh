#!/usr/bin/env bash
# register-schemas.sh STAGE: registers the stored versions of every contract (schemas/*/versions) in the stage's schema group, oldest first, before
# code that writes by them runs. The service leaves what it has, and refuses what is not compatible with the version before. What the registry
# holds beyond the stored versions, `contoso schemas check` must find compatible first: CONTOSO_COMMAND says where it is, if it was not built here.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

stage=$(stage_of "${1-}")
need az curl python3
namespace=$(output "$stage" eventHubsNamespace.value)
group=$(output "$stage" schemaGroup.value)
token=$(az account get-access-token --resource https://eventhubs.azure.net --query accessToken --output tsv)
stored="$root/deploy/schema-versions.py"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
answer=$folder/answer

# call PATH OPTION...: prints the status; the answer is in a file. The token comes from a file descriptor, so that no list of processes shows it.
call() {
    local path=$1
    shift
    curl --silent --show-error --max-time 30 --output "$answer" --write-out '%{http_code}' \
        --header @<(printf 'Authorization: Bearer %s\n' "$token") \
        "$@" "https://$namespace/\$schemaGroups/$group/schemas/$path?api-version=2023-07-01"
}

# expect STATUS: whether it is that of a success; else the answer is shown.
expect() {
    case $1 in
    2??) return 0 ;;
    *)
        say "$1 $(cat "$answer")"
        return 1
        ;;
    esac
}

register() {
    local status
    status=$(call "$2" --header 'Content-Type: application/json; serialization=Avro' --request PUT --data-binary "@$1") || return 1
    expect "$status"
}

# versions NAME: the numbers that the registry holds, none if it does not know the name.
versions() {
    local status
    status=$(call "$1/versions" --request GET) || return 1
    [ "$status" != 404 ] || return 0
    expect "$status" && python3 "$stored" numbers <"$answer"
}

read_version() {
    local status
    status=$(call "$1/versions/$2" --request GET) || return 1
    expect "$status"
}

# The command that judges versions which nobody stored.
command_built() {
    local built
    for built in "${CONTOSO_COMMAND-}" "$root"/target/{release,local,debug}/contoso; do
        [ -x "$built" ] && printf '%s\n' "$built" && return 0
    done
    return 1
}

list=$(python3 "$stored" list)
names=$(cut -f 1 <<<"$list" | uniq)
for name in $names; do
    try 10 versions "$name" >"$folder/numbers" || die "the registry $namespace does not tell the versions of $name"
    while read -r number; do
        try 2 read_version "$name" "$number" || die "the registry $namespace does not give version $number of $name"
        python3 "$stored" knows "$name" "$answer" && continue
        cp "$answer" "$folder/registered.avsc"
        newest=$(awk -F '\t' -v name="$name" '$1 == name { file = $2 } END { print file }' <<<"$list")
        contoso=$(command_built) ||
            die "the registry $namespace holds version $number of $name, which schemas/ does not have, and no contoso command is built here to compare it (./contoso build)"
        "$contoso" schemas check --old "$folder/registered.avsc" --new "$newest" ||
            die "the newest version of $name breaks readers of version $number, which the registry $namespace holds and schemas/ does not"
    done <"$folder/numbers"
done

while IFS=$'\t' read -r name file; do
    try 10 register "$file" "$name" || die "the registry $namespace refuses ${file#"$root/"} of $name"
    say "registered ${file#"$root/"} as $name"
done <<<"$list"
