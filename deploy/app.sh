#!/usr/bin/env bash
# app.sh STAGE [ZIP]: deploys the finished package (target/app.zip of `contoso package --azure` by default) to every function app of the stage, as it is:
# unpacked and packed again it could lose the executable bit of the handler. An app takes a package with its own identity, whose role on the
# storage may be minutes old, so failures are repeated for ten minutes.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

stage=$(stage_of "${1-}")
package=${2:-$root/target/app.zip}
need az
[ -f "$package" ] || die "there is no $package; contoso package --azure makes it"
group=$(output "$stage" resourceGroupName.value)
apps=$(output "$stage" "apps.value[].functionApp")

for app in $apps; do
    try 10 az functionapp deployment source config-zip --resource-group "$group" --name "$app" --src "$package" --output none ||
        die "$app does not take the package"
    say "deployed to $app"
done
