// Servers that speak KMS's and Key Vault's protocols, and anvil, in a process of their own: the applications run while the caller waits.
// It prints what an application needs to sign and send there, as one line of JSON, and ends with its stdin.

import { once } from "node:events";
import { computeAddress, hexlify, randomBytes } from "ethers";
import { KmsServer } from "../../tests/servers/aws-kms/kms-server.ts";
import { KeyVaultServer } from "../../tests/servers/azure-key-vault/server.ts";
import { startAnvil } from "../../tests/support/anvil.ts";

const privateKey = hexlify(randomBytes(32));
const [token, keyName] = ["consumer-token", "treasury"];
const kms = await KmsServer.start();
const { keyId } = kms.ring.importKey(privateKey);
const vault = await KeyVaultServer.start();
vault.tokens.add(token);
vault.vault.put(keyName, { privateKey });

const anvil = await startAnvil();

console.log(
  JSON.stringify({
    rpc: anvil.url,
    address: computeAddress(privateKey),
    kms: { keyId, region: kms.region, endpoint: kms.url },
    vault: { vaultUrl: vault.url, keyName, token },
  }),
);
await once(process.stdin.resume(), "end");
await Promise.all([kms.close(), vault.close(), anvil.stop()]);
