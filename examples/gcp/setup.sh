#!/bin/sh
# Makes the key, and an identity that may sign with it and do nothing else. It can be run again: what exists is left as it is.
#
#   PROJECT=acme LOCATION=europe-west1 ./setup.sh
set -eu
: "${PROJECT:?the id of the project}" "${LOCATION:?a location with HSMs, for example europe-west1}"
RING="${RING:-eth}" KEY="${KEY:-treasury}" ACCOUNT="${ACCOUNT:-eth-signer}"
IDENTITY="$ACCOUNT@$PROJECT.iam.gserviceaccount.com"
VERSION="projects/$PROJECT/locations/$LOCATION/keyRings/$RING/cryptoKeys/$KEY/cryptoKeyVersions/1"

gcloud services enable cloudkms.googleapis.com --project "$PROJECT"

gcloud kms keyrings describe "$RING" --location "$LOCATION" --project "$PROJECT" >/dev/null 2>&1 ||
  gcloud kms keyrings create "$RING" --location "$LOCATION" --project "$PROJECT"

# Level and purpose can never be changed. 30 days remain to restore a version that was scheduled for destruction.
gcloud kms keys describe "$KEY" --keyring "$RING" --location "$LOCATION" --project "$PROJECT" >/dev/null 2>&1 ||
  gcloud kms keys create "$KEY" --keyring "$RING" --location "$LOCATION" --project "$PROJECT" \
    --purpose asymmetric-signing --default-algorithm ec-sign-secp256k1-sha256 --protection-level hsm \
    --destroy-scheduled-duration 30d

gcloud iam service-accounts describe "$IDENTITY" --project "$PROJECT" >/dev/null 2>&1 ||
  gcloud iam service-accounts create "$ACCOUNT" --project "$PROJECT" --display-name "signs Ethereum transactions"

# On this key, not on the ring or the project: the public key and signatures.
gcloud kms keys add-iam-policy-binding "$KEY" --keyring "$RING" --location "$LOCATION" --project "$PROJECT" \
  --member "serviceAccount:$IDENTITY" --role roles/cloudkms.signerVerifier >/dev/null

echo "KEY_VERSION=$VERSION"
