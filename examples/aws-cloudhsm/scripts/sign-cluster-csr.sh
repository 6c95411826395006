#!/usr/bin/env bash
# Makes the certificate authority of a cluster, once, and signs the cluster's request with it:
#
#   scripts/sign-cluster-csr.sh FOLDER
#
# FOLDER holds cluster.csr, and gets customerCA.key, customerCA.crt and cluster.crt. Whoever has customerCA.key can pose as the
# cluster: keep it offline. Every client needs customerCA.crt, and the cluster's certificate can never be replaced.
set -euo pipefail
umask 077
cd "${1:?the folder that holds cluster.csr}"

days=3652
if [[ ! -e customerCA.key ]]; then
  openssl genrsa -out customerCA.key 4096
  openssl req -new -x509 -sha256 -days "$days" -key customerCA.key -subj "/CN=CloudHSM cluster authority" -out customerCA.crt
fi
# Everybody may read it, and the container's user has to.
chmod 0644 customerCA.crt
openssl x509 -req -sha256 -days "$days" -in cluster.csr -CA customerCA.crt -CAkey customerCA.key -CAcreateserial -out cluster.crt
openssl verify -CAfile customerCA.crt cluster.crt
