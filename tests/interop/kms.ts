import { createECDH, createPublicKey, publicEncrypt } from "node:crypto";
import {
  CreateAliasCommand,
  CreateKeyCommand,
  GetParametersForImportCommand,
  ImportKeyMaterialCommand,
  type KeySpec,
  KMSClient,
  type OriginType,
  UpdateAliasCommand,
} from "@aws-sdk/client-kms";
import { getBytes, type Provider } from "ethers";
import type { KmsStoreOptions } from "../../src/aws-kms/options.ts";
import { KmsSigner } from "../../src/aws-kms/signer.ts";
import { KmsKeyStore } from "../../src/aws-kms/store.ts";
import { CREDENTIALS } from "../aws-kms/support.ts";

/** An emulator's KMS as its administrator sees it, and signers over it. */
export class EmulatedKms {
  readonly client: KMSClient;
  readonly #url: string;
  readonly #signers: KmsSigner[] = [];
  readonly #stores: KmsKeyStore[] = [];

  constructor(url: string) {
    this.#url = url;
    this.client = new KMSClient(this.#options);
  }

  get #options() {
    return { region: "eu-west-1", endpoint: this.#url, credentials: CREDENTIALS };
  }

  async createKey(
    spec: KeySpec = "ECC_SECG_P256K1",
    origin: OriginType = "AWS_KMS",
  ): Promise<{ keyId: string; arn: string }> {
    const request = { KeySpec: spec, KeyUsage: "SIGN_VERIFY", Origin: origin } as const;
    const { KeyMetadata } = await this.client.send(new CreateKeyCommand(request));
    const { KeyId: keyId, Arn: arn } = KeyMetadata ?? {};
    if (keyId === undefined || arn === undefined) throw new Error("no key was created");
    return { keyId, arn };
  }

  /** Brings a private key of one's own, as the API has it: wrapped for the one key that KMS gave out for that. */
  async importKey(privateKey: string): Promise<{ keyId: string; arn: string }> {
    const { keyId, arn } = await this.createKey("ECC_SECG_P256K1", "EXTERNAL");
    const wrapping = { WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" } as const;
    const given = await this.client.send(new GetParametersForImportCommand({ KeyId: keyId, ...wrapping }));
    const key = createPublicKey({ key: Buffer.from(given.PublicKey ?? []), type: "spki", format: "der" });
    await this.client.send(
      new ImportKeyMaterialCommand({
        KeyId: keyId,
        ImportToken: given.ImportToken,
        EncryptedKeyMaterial: publicEncrypt({ key, oaepHash: "sha256" }, pkcs8Of(privateKey)),
        ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE",
      }),
    );
    return { keyId, arn };
  }

  async createAlias(name: string, keyId: string): Promise<void> {
    await this.client.send(new CreateAliasCommand({ AliasName: name, TargetKeyId: keyId }));
  }

  async moveAlias(name: string, keyId: string): Promise<void> {
    await this.client.send(new UpdateAliasCommand({ AliasName: name, TargetKeyId: keyId }));
  }

  signer(keyId: string, provider: null | Provider = null): KmsSigner {
    const signer = new KmsSigner({ keyId, ...this.#options }, provider);
    this.#signers.push(signer);
    return signer;
  }

  store(options: KmsStoreOptions = {}): KmsKeyStore {
    const store = new KmsKeyStore({ ...this.#options, ...options });
    this.#stores.push(store);
    return store;
  }

  /** A client whose listings of keys come in pages of that size, whatever is asked for, and how many pages came. */
  pagedClient(size: number): { readonly client: KMSClient; readonly pages: () => number } {
    const client = new KMSClient(this.#options);
    let pages = 0;
    client.middlewareStack.add(
      (next, { commandName }) =>
        (args) => {
          if (commandName !== "ListKeysCommand") return next(args);
          pages++;
          return next({ ...args, input: { ...args.input, Limit: size } });
        },
      { step: "initialize" },
    );
    return { client, pages: () => pages };
  }

  async close(): Promise<void> {
    for (const store of this.#stores) await store.close();
    for (const signer of this.#signers) await signer.close();
    this.client.destroy();
  }
}

// PrivateKeyInfo { 0, { id-ecPublicKey, secp256k1 }, ECPrivateKey { 1, key, [1] publicKey } } (RFC 5208, RFC 5915): 135 bytes.
const PKCS8_HEADER = "308184020100301006072a8648ce3d020106052b8104000a046d306b0201010420";
const PUBLIC_KEY_HEADER = "a144034200";

function pkcs8Of(privateKey: string): Buffer {
  const ecdh = createECDH("secp256k1");
  ecdh.setPrivateKey(getBytes(privateKey));
  return Buffer.from(`${PKCS8_HEADER}${privateKey.slice(2)}${PUBLIC_KEY_HEADER}${ecdh.getPublicKey("hex")}`, "hex");
}
