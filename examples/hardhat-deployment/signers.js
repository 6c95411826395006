import { signerFromUri } from "ethers-hsm/uri";

/** The accounts that Hardhat shall have. Nothing is asked of a key before the first account is needed. */
export async function signers() {
  const uri = process.env["ETHERS_HSM_KEY"];
  if (!uri)
    throw new Error("set ETHERS_HSM_KEY to the deployer's key, for example aws-kms:alias/deployer?region=eu-west-1");
  return [await signerFromUri(uri)];
}
