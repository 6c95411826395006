#!/usr/bin/env bash
# Makes a new cluster ready, in two runs. It needs the AWS CLI, openssl, and the stack of cluster.yaml:
#
#   scripts/initialize.sh STACK FOLDER
#
# The first run adds one HSM and initializes the cluster with it. Then the cluster is to be activated, with the client: AWS adds no
# second HSM before that. The second run adds an HSM in each zone that has none.
#
# FOLDER gets the cluster's certificates: see sign-cluster-csr.sh. Each HSM costs money for every hour that it exists.
set -euo pipefail

stack=${1:?the name of the CloudFormation stack}
folder=${2:?a folder for the certificates}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

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

# Makes the zone's HSM unless it has one, and waits until it is there.
require_hsm() {
  local hsms="Clusters[].Hsms[] | [?AvailabilityZone=='$1'" made
  made=$(describe "length($hsms && !starts_with(State, 'DELETE')])")
  if [[ $made == 0 ]]; then
    aws cloudhsmv2 create-hsm --cluster-id "$cluster" --availability-zone "$1" >/dev/null
  fi
  wait_for "length($hsms && State=='ACTIVE'])" 1
}
show_hsms() {
  describe "Clusters[0].Hsms[].[HsmId,AvailabilityZone,EniIp,State]"
}

initialize() {
  wait_for "Clusters[0].State" UNINITIALIZED
  require_hsm "${zones[0]}"
  # Before you go on, check that it is AWS's hardware that asks: the manufacturer's and AWS's certificates are in the same answer.
  mkdir -p "$folder"
  describe "Clusters[0].Certificates.ClusterCsr" >"$folder/cluster.csr"
  "$here/sign-cluster-csr.sh" "$folder"
  aws cloudhsmv2 initialize-cluster --cluster-id "$cluster" \
    --signed-cert "file://$folder/cluster.crt" --trust-anchor "file://$folder/customerCA.crt" >/dev/null
  wait_for "Clusters[0].State" INITIALIZED
  echo "$cluster is initialized. Its first HSM:"
  show_hsms
  echo "Install the client with this HSM's address, activate the cluster, and run this again: it adds the other HSMs."
}

# A key is usable once two HSMs have it.
add_hsms() {
  for zone in "${zones[@]}"; do
    wait_for "Clusters[0].State" ACTIVE
    require_hsm "$zone"
  done
  echo "$cluster is active. Its HSMs:"
  show_hsms
}

state=$(describe "Clusters[0].State")
case $state in
  CREATE_IN_PROGRESS | UNINITIALIZED) initialize ;;
  ACTIVE) add_hsms ;;
  INITIALIZED)
    echo "$cluster is initialized and not yet active: install the client, activate the cluster, and run this again." >&2
    exit 1
    ;;
  *)
    echo "$cluster is $state, and nothing was done: this needs a new cluster, or one that is ACTIVE." >&2
    exit 1
    ;;
esac
