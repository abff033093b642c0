#!/usr/bin/env bash
# apps.sh STAGE: how many function apps the stage has (count=…) and the first one's name in Azure (first=…), as pipelines take variables.
# shellcheck source=deploy/lib.sh
. "$(dirname -- "$0")/lib.sh"

stage=$(stage_of "${1-}")
need az
apps=$(output "$stage" "apps.value[].functionApp")
printf 'count=%d\nfirst=%s\n' "$(wc -l <<<"$apps")" "$(head -n 1 <<<"$apps")"
