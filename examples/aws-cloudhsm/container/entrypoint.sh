#!/usr/bin/env bash
# Configures AWS's library for the cluster, then runs the application in this process's place, so that signals reach it.
set -euo pipefail

etc=${CLOUDHSM_ETC:-/opt/cloudhsm/etc}
configure=${CLOUDHSM_CONFIGURE:-/opt/cloudhsm/bin/configure-pkcs11}
install --mode 0644 "${CUSTOMER_CA_FILE:?the path of customerCA.crt}" "$etc/customerCA.crt"
read -r -a addresses <<<"${HSM_ADDRESSES:?the HSMs, with spaces between them}"
"$configure" -a "${addresses[@]}"
exec node dist/main.cjs "$@"
