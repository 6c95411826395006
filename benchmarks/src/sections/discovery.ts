import { hexlify, randomBytes } from "ethers";
import { isStoredKey, type KeyStore } from "ethers-hsm";
import { KmsKeyStore } from "ethers-hsm/aws-kms";
import { AzureKeyVaultKeyStore } from "ethers-hsm/azure-key-vault";
import { Pkcs11KeyStore } from "ethers-hsm/pkcs11";
import { BackendServer } from "../backend-server.ts";
import type { Section } from "../section.ts";
import { CREDENTIALS } from "../settings.ts";
import type { Row } from "../table.ts";
import { createToken } from "../token.ts";
import { vaultOptions } from "../vault-options.ts";

/** Keys of other kinds beside each secp256k1 key. */
const OTHERS = 3;

export const discovery: Section = {
  name: "discovery",
  title: "Discovery",
  async run({ quick }) {
    const keys = quick ? 20 : 1_000;
    const rows = [await awsKms(keys), await azureKeyVault(keys), await pkcs11(quick ? 5 : 200)];
    const caption =
      "One listing of secp256k1 keys among keys of other kinds by a new store, and one more by the same store. The time of the " +
      "others is counted to the keys.";
    return [{ caption, rows }];
  },
};

async function awsKms(keys: number): Promise<Row> {
  const server = await BackendServer.start("aws-kms", keys, OTHERS);
  try {
    const { endpoint, region } = server.kmsTarget();
    const store = new KmsKeyStore({ endpoint, region, credentials: CREDENTIALS });
    return await measure("`KmsKeyStore`", store, keys, OTHERS * keys);
  } finally {
    await server.stop();
  }
}

async function azureKeyVault(keys: number): Promise<Row> {
  const server = await BackendServer.start("azure-key-vault", keys, OTHERS);
  try {
    const store = new AzureKeyVaultKeyStore(vaultOptions(server.vaultTarget()));
    return await measure("`AzureKeyVaultKeyStore`", store, keys, OTHERS * keys);
  } finally {
    await server.stop();
  }
}

async function pkcs11(keys: number): Promise<Row> {
  const { libraryPath, label, pin } = createToken(Array.from({ length: keys }, () => hexlify(randomBytes(32))));
  const store = new Pkcs11KeyStore({ libraryPath, tokenLabel: label, pin });
  return measure("`Pkcs11KeyStore`, on SoftHSM2", store, keys, 0);
}

async function measure(name: string, store: KeyStore, keys: number, others: number): Promise<Row> {
  const first = (await timed(store, keys)) / keys;
  const again = (await timed(store, keys)) / keys;
  await store.close?.();
  return {
    Store: name,
    Keys: keys,
    Others: others,
    "First listing, ms per key": first,
    "Again, ms per key": again,
    "Again beside first": again / first,
  };
}

async function timed(store: KeyStore, keys: number): Promise<number> {
  const started = performance.now();
  let found = 0;
  for await (const listed of store.list()) if (isStoredKey(listed)) found += 1;
  if (found !== keys) throw new Error(`${found} keys were found instead of ${keys}`);
  return performance.now() - started;
}
