import { computeAddress, hexlify, randomBytes } from "ethers";
import { KmsServer } from "../../tests/servers/aws-kms/kms-server.ts";
import { KeyVersion } from "../../tests/servers/azure-key-vault/key-version.ts";
import { KeyVaultServer } from "../../tests/servers/azure-key-vault/server.ts";

/**
 * A service that a page uses, and what it can be told to do wrong at the next signature.
 *
 * @typedef {object} Backend
 * @property {string} page of tests/package/browser
 * @property {string} url
 * @property {unknown} settings for the page
 * @property {string} address
 * @property {() => number} identityRequests how often a public key was asked for
 * @property {RegExp} foreignPackages what must not get into the page's bundle
 * @property {Readonly<Record<"refuse" | "hang" | "signByOtherKey" | "garble", () => void>>} faults
 * @property {() => Promise<void>} stop
 */

const once = { times: 1 };

/** @returns {Promise<Backend>} */
export async function awsKms() {
  const privateKey = hexlify(randomBytes(32));
  const server = await KmsServer.start();
  const { keyId, arn } = server.ring.importKey(privateKey);
  const sign = { operation: "Sign", ...once };
  const message = `User: arn:aws:iam::111122223333:user/page is not authorized to perform: kms:Sign on resource: ${arn}`;
  return {
    page: "aws-kms",
    url: server.url,
    settings: {
      ...{ keyId, region: server.region, endpoint: server.url },
      credentials: { accessKeyId: "AKIABROWSERBROWSER00", secretAccessKey: "browser" },
    },
    address: computeAddress(privateKey),
    identityRequests: () => server.count("GetPublicKey"),
    foreignPackages: /^@azure\/|pkcs11js/,
    faults: {
      refuse: () => server.faults.add({ kind: "exception", name: "AccessDeniedException", message }, sign),
      // Each attempt of a call has a third of its time.
      hang: () => server.faults.add({ kind: "hang" }, { ...sign, times: 3 }),
      signByOtherKey: () => server.faults.add({ kind: "wrong key" }, sign),
      garble: () => server.faults.add({ kind: "alter", alter: (answer) => ({ ...answer, Signature: "MAA=" }) }, sign),
    },
    stop: () => server.close(),
  };
}

// What an endpoint in front of Key Vault must let a page do and see: the service itself answers no other origin.
const GATEWAY = { methods: "GET, POST, PUT", exposed: "WWW-Authenticate, Retry-After, x-ms-request-id" };

/**
 * @param {boolean} cors whether pages of other origins may ask
 * @returns {Promise<Backend>}
 */
export async function azureKeyVault(cors) {
  const privateKey = hexlify(randomBytes(32));
  const [token, keyName] = ["browser-token", "treasury"];
  const server = await KeyVaultServer.start(cors ? { cors: GATEWAY } : {});
  server.tokens.add(token);
  server.vault.put(keyName, { privateKey });
  const sign = { operation: "sign", ...once };
  const message = "Caller is not authorized to perform action on resource.";
  const refusal = /** @type {const} */ ({ kind: "error", status: 403, code: "Forbidden", message });
  return {
    page: "azure-key-vault",
    url: server.url,
    settings: { vaultUrl: server.url, keyName, token },
    address: computeAddress(privateKey),
    identityRequests: () => server.count("getKey"),
    foreignPackages: /^@aws-sdk\/|pkcs11js/,
    faults: {
      refuse: () => server.faults.add({ ...refusal, innerCode: "ForbiddenByRbac" }, sign),
      hang: () => server.faults.add("hang", { ...sign, times: 3 }),
      signByOtherKey: () => server.faults.add({ kind: "sign", by: new KeyVersion() }, sign),
      garble: () => server.faults.add({ kind: "value", value: "AAAA" }, sign),
    },
    stop: () => server.close(),
  };
}
