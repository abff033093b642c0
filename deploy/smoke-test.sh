#!/usr/bin/env bash
# smoke-test.sh STAGE [COMMIT]: shows that a deployment works, by what a user would see: the functions answer and were built from COMMIT, a price that
# is changed arrives on the site by way of change feed, hub and projection, and the pages are served. It asks with GET: the host answers HEAD
# with 404.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

stage=$(stage_of "${1-}")
commit=${2-}
need az curl python3
group=$(output "$stage" resourceGroupName.value)
site=https://$(app_with "$stage" SiteApi hostName)/api/site
products=https://$(app_with "$stage" Products hostName)/api/products
# Longer than a cold start takes.
get=(curl --fail --silent --show-error --max-time 40)

# member NAME...: a member of the JSON on standard input; nothing where it is not there.
member() {
    python3 -c '
import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]:
    value = value.get(name) if isinstance(value, dict) else None
print("" if value is None else value)' "$@"
}

# Heartbeat writes the first measurement some seconds after the start; until then the answer is 404.
is_healthy() {
    local health
    health=$("${get[@]}" "$site/health") || return 1
    [ -z "$commit" ] || [ "$(member commit <<<"$health")" = "$commit" ]
}
try 10 is_healthy || die "$site/health does not answer${commit:+ as of commit $commit}; it says: $("${get[@]}" "$site/health" 2>&1 || true)"
say "healthy: $site/health"

key=$(az functionapp keys list --resource-group "$group" --name "$(app_with "$stage" Products functionApp)" --query functionKeys.default --output tsv)
[ -n "${GITHUB_ACTIONS-}" ] && echo "::add-mask::$key"
call() {
    "${get[@]}" --output /dev/null --header @<(printf 'x-functions-key: %s\n' "$key") "$@"
}
# Not for sale any longer than the test takes, whatever comes of it.
product=smoke-test
trap 'call --request DELETE "$products/$product" || true' EXIT
price=$((SECONDS + $(date +%s) % 100000)).$((RANDOM % 90 + 10))
put() {
    call --request PUT --header 'Content-Type: application/json' "$products/$product" --data-binary \
        '{"name": "Smoke test", "category": "Smoke test", "price": {"amount": "'"$price"'", "currency": "USD"}}'
}
try 5 put || die "the product $product cannot be written at $products"
is_on_site() {
    [ "$("${get[@]}" "$site/products/$product" | member price amount)" = "$price" ]
}
try 10 is_on_site || die "the price $price of $product does not arrive at $site/products/$product"
say "a change of price arrived on the site: $price"

origin=$(output "$stage" webOrigin.value)
pages_answer() {
    "${get[@]}" --output /dev/null "$origin/" && "${get[@]}" "$origin/config.json" | member api >/dev/null
}
try 5 pages_answer || die "$origin does not serve the pages"
say "the pages answer: $origin"
