#!/usr/bin/env bash
# Configures AWS's library for the cluster, then runs the application in this process's place, so that signals reach it.
#
# The certificate and the password come as files, CUSTOMER_CA_FILE and HSM_PASSWORD_FILE, or as text, CUSTOMER_CA and HSM_PASSWORD.
set -euo pipefail

etc=${CLOUDHSM_ETC:-/opt/cloudhsm/etc}
configure=${CLOUDHSM_CONFIGURE:-/opt/cloudhsm/bin/configure-pkcs11}

if [[ -n ${CUSTOMER_CA:-} ]]; then
  printf '%s\n' "$CUSTOMER_CA" >"$etc/customerCA.crt"
else
  install --mode 0644 "${CUSTOMER_CA_FILE:?the path of customerCA.crt, or CUSTOMER_CA with its text}" "$etc/customerCA.crt"
fi

# The application reads the password from a file: this one is for its user alone, and the environment does not keep the text.
if [[ -n ${HSM_PASSWORD:-} ]]; then
  HSM_PASSWORD_FILE=$(mktemp)
  printf '%s' "$HSM_PASSWORD" >"$HSM_PASSWORD_FILE"
  export HSM_PASSWORD_FILE
  unset HSM_PASSWORD
fi

read -r -a addresses <<<"${HSM_ADDRESSES:?the HSMs, with spaces between them}"
"$configure" -a "${addresses[@]}"
exec node dist/main.cjs "$@"
