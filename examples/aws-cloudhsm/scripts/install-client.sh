#!/usr/bin/env bash
# Installs AWS's Client SDK 5 on Amazon Linux 2023 (an EC2 instance that may reach the HSMs) and configures it, as root:
#
#   scripts/install-client.sh CUSTOMER_CA_CRT HSM_ADDRESS...
#
# It needs no daemon. The CLI is for the people who make users and keys; a machine that only signs can leave it out.
set -euo pipefail

certificate=${1:?the path of customerCA.crt}
shift
: "${1:?the address of an HSM (EniIp)}"
packages=https://s3.amazonaws.com/cloudhsmv2-software/CloudHsmClient/Amzn2023
machine=$(uname -m)

dnf install --assumeyes \
  "$packages/cloudhsm-cli-latest.amzn2023.$machine.rpm" \
  "$packages/cloudhsm-pkcs11-latest.amzn2023.$machine.rpm"
install --mode 0644 "$certificate" /opt/cloudhsm/etc/customerCA.crt
/opt/cloudhsm/bin/configure-cli -a "$@"
/opt/cloudhsm/bin/configure-pkcs11 -a "$@"
