#!/usr/bin/env bash
# Adds the HSMs to a new cluster and initializes it. It needs the AWS CLI, openssl, and the stack of cluster.yaml:
#
#   scripts/initialize.sh STACK FOLDER
#
# FOLDER gets the cluster's certificates: see sign-cluster-csr.sh. Each HSM costs money for every hour that it exists.
set -euo pipefail

stack=${1:?the name of the CloudFormation stack}
folder=${2:?a folder for the certificates}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$folder"

output() {
  aws cloudformation describe-stacks --stack-name "$stack" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}
cluster=$(output ClusterId)
read -r -a zones <<<"$(output Zones)"

describe() {
  aws cloudhsmv2 describe-clusters --filters "clusterIds=$cluster" --output text --query "$1"
}
wait_for() {
  local query=$1 wanted=$2 found=
  for ((attempt = 0; attempt < 90; attempt++)); do
    found=$(describe "$query")
    [[ $found == "$wanted" ]] && return
    sleep 20
  done
  echo "$cluster: $query is $found after 30 minutes, not $wanted" >&2
  return 1
}

# A cluster is initialized with its first HSM. The others copy it.
wait_for "Clusters[0].State" UNINITIALIZED
aws cloudhsmv2 create-hsm --cluster-id "$cluster" --availability-zone "${zones[0]}" >/dev/null
wait_for "Clusters[0].Hsms[0].State" ACTIVE

# Before you go on, check that it is AWS's hardware that asks: the manufacturer's and AWS's certificates are in the same answer.
describe "Clusters[0].Certificates.ClusterCsr" >"$folder/cluster.csr"
"$here/sign-cluster-csr.sh" "$folder"
aws cloudhsmv2 initialize-cluster --cluster-id "$cluster" \
  --signed-cert "file://$folder/cluster.crt" --trust-anchor "file://$folder/customerCA.crt" >/dev/null
wait_for "Clusters[0].State" INITIALIZED

# A key is usable once two HSMs have it.
for zone in "${zones[@]:1}"; do
  aws cloudhsmv2 create-hsm --cluster-id "$cluster" --availability-zone "$zone" >/dev/null
done
wait_for "length(Clusters[0].Hsms[?State=='ACTIVE'])" "${#zones[@]}"
echo "$cluster is initialized. Its HSMs:"
describe "Clusters[0].Hsms[].[HsmId,AvailabilityZone,EniIp,State]"
