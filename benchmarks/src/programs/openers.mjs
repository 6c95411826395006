// What each entry point is for, down to a function that signs the message.

/** @typedef {(name: string) => Promise<any>} Load */
/** @typedef {() => Promise<string>} Sign */

const MESSAGE = "a message";

/** What an application loads anyway, before the entry point. @type {Record<string, readonly string[]>} */
export const peers = {
  "ethers-hsm": ["ethers"],
  "ethers-hsm/aws-kms": ["ethers", "@aws-sdk/client-kms"],
  "ethers-hsm/azure-key-vault": ["ethers", "@azure/keyvault-keys"],
  "ethers-hsm/pkcs11": ["ethers", "pkcs11js"],
  "ethers-hsm/cloudhsm": ["ethers", "pkcs11js"],
  "ethers-hsm/eip1193": ["ethers"],
  "ethers-hsm/viem": ["ethers", "viem"],
};

/** @type {Record<string, (loaded: any, target: any, load: Load) => Promise<Sign>>} */
export const openers = {
  "ethers-hsm": async ({ RemoteSigner }, target) => signing(new RemoteSigner(answeringKey(target))),

  "ethers-hsm/aws-kms": async ({ KmsSigner }, target) => signing(new KmsSigner(target)),

  "ethers-hsm/azure-key-vault": async ({ AzureKeyVaultSigner }, { token, ...target }) =>
    signing(new AzureKeyVaultSigner({ ...target, credential: credential(token) })),

  "ethers-hsm/pkcs11": async ({ Pkcs11Signer }, target) => signing(new Pkcs11Signer(target)),

  "ethers-hsm/cloudhsm": async ({ CloudHsmSigner }, target) => signing(new CloudHsmSigner(target)),

  "ethers-hsm/eip1193": async ({ createProvider }, target, load) => {
    const { RemoteSigner } = await load("ethers-hsm");
    const signer = new RemoteSigner(answeringKey(target));
    const provider = createProvider({ accounts: [signer], provider: { request: async () => "0x1" } });
    return async () =>
      provider.request({ method: "personal_sign", params: [target.message, await signer.getAddress()] });
  },

  "ethers-hsm/viem": async ({ toViemAccount }, target, load) => {
    const { RemoteSigner } = await load("ethers-hsm");
    const account = await toViemAccount(new RemoteSigner(answeringKey(target)));
    return () => account.signMessage({ message: MESSAGE });
  },
};

/** @param {{ signMessage(message: string): Promise<string> }} signer */
function signing(signer) {
  return () => signer.signMessage(MESSAGE);
}

/**
 * A key that gives the one signature that it was told, so that no private key's work is measured.
 *
 * @param {{ publicKey: Uint8Array, r: string, s: string }} target
 */
function answeringKey({ publicKey, r, s }) {
  return {
    backend: "answers",
    id: "answering-key",
    getPublicKey: async () => Uint8Array.from(publicKey),
    signDigest: async () => ({ r: BigInt(r), s: BigInt(s) }),
  };
}

/** @param {string} token */
function credential(token) {
  return { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
}
