#!/usr/bin/env bash
# Makes a secp256k1 key pair that signs and never leaves the cluster, unless its label is taken, and shows it:
#
#   CLOUDHSM_PIN=user:password scripts/create-key.sh LABEL
#
# CLOUDHSM_PIN is the crypto user's, as the CLI itself reads it. Set CLOUDHSM_CLI where the CLI is not at AWS's own place.
set -euo pipefail

label=${1:?a label for the key}
cli=${CLOUDHSM_CLI:-/opt/cloudhsm/bin/cloudhsm-cli}
: "${CLOUDHSM_PIN:?set it to user:password}"
export CLOUDHSM_PIN CLOUDHSM_ROLE=crypto-user

# Labels are not unique in CloudHSM, and an account whose key cannot be told from another's is of no use.
present=$("$cli" key list --filter "attr.label=$label")
if ! grep -q '"total_key_count": *0' <<<"$present"; then
  echo "$label is taken, or the keys cannot be listed:" >&2
  echo "$present" >&2
  exit 1
fi

"$cli" key generate-asymmetric-pair ec --curve secp256k1 --public-label "$label" --private-label "$label" \
  --public-attributes verify=true --private-attributes sign=true extractable=false
"$cli" key list --filter "attr.label=$label" attr.class=private-key --verbose
