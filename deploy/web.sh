#!/usr/bin/env bash
# web.sh STAGE: uploads the pages of web/ to the stage's static site, with the address of its functions in config.json.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

stage=$(stage_of "${1-}")
need az
account=$(output "$stage" webAccountName.value)
host=$(app_with "$stage" SiteApi hostName)
[ "$host" = "$(app_with "$stage" CollectClicks hostName)" ] ||
    die "the pages call one address, and SiteApi and CollectClicks run in different apps; put both into one"

pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
cp -R "$root/web/." "$pages"
printf '{ "api": "https://%s", "partner": null, "telemetry": null }\n' "$host" >"$pages/config.json"
# Browsers ask each time whether a page changed; files keep their names.
# shellcheck disable=SC2016 # $web is the container's name.
try 10 az storage blob upload-batch --auth-mode login --account-name "$account" --destination '$web' --source "$pages" \
    --overwrite true --content-cache-control no-cache --output none || die "the pages cannot be uploaded to $account"
say "the pages are at $(output "$stage" webOrigin.value)"
