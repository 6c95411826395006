import type {
  CreateAliasCommandInput,
  CreateKeyCommandInput,
  DescribeKeyCommandOutput,
  GetPublicKeyCommandOutput,
  ImportKeyMaterialCommandInput,
  ListAliasesCommandInput,
  ListKeysCommandInput,
  ListResourceTagsCommandInput,
  SignCommandInput,
} from "@aws-sdk/client-kms";
import { isSignerError, SignerError } from "../core/errors.ts";
import { withDeadline } from "../signer/deadline.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import type { KmsConnection, KmsRequest } from "./connection.ts";

const BACKEND = "aws-kms";

/** A store's requests, each with its deadline. Whatever fails is a SignerError that names the backend and the key. */
export class StoreRequests {
  readonly connection: KmsConnection;
  readonly timeout: number;

  constructor(connection: KmsConnection, timeout: number) {
    this.connection = connection;
    this.timeout = timeout;
  }

  /** https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html */
  listKeys(input: ListKeysCommandInput, options: CallOptions) {
    return this.#send("ListKeys", undefined, options, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.ListKeysCommand(input), { abortSignal }),
    );
  }

  /** https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html */
  listAliases(input: ListAliasesCommandInput, options: CallOptions) {
    return this.#send("ListAliases", undefined, options, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.ListAliasesCommand(input), { abortSignal }),
    );
  }

  /** https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html */
  listResourceTags(input: ListResourceTagsCommandInput, options: CallOptions) {
    return this.#send("ListResourceTags", input.KeyId, options, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.ListResourceTagsCommand(input), { abortSignal }),
    );
  }

  /** https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html */
  describeKey(KeyId: string, options: CallOptions): Promise<DescribeKeyCommandOutput> {
    return this.#send("DescribeKey", KeyId, options, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.DescribeKeyCommand({ KeyId }), { abortSignal }),
    );
  }

  /** https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html */
  getPublicKey(KeyId: string, options: CallOptions = {}): Promise<GetPublicKeyCommandOutput> {
    return this.#send("GetPublicKey", KeyId, options, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.GetPublicKeyCommand({ KeyId }), { abortSignal }),
    );
  }

  /** https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html */
  sign(input: SignCommandInput, options: CallOptions) {
    return this.#send("Sign", input.KeyId, options, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.SignCommand(input), { abortSignal }),
    );
  }

  /** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html */
  createKey(input: CreateKeyCommandInput) {
    return this.#send("CreateKey", undefined, {}, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.CreateKeyCommand(input), { abortSignal }),
    );
  }

  /** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html */
  createAlias(input: CreateAliasCommandInput) {
    return this.#send("CreateAlias", input.TargetKeyId, {}, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.CreateAliasCommand(input), { abortSignal }),
    );
  }

  /** https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html */
  getParametersForImport(KeyId: string) {
    const wrapping = { WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_4096" } as const;
    return this.#send("GetParametersForImport", KeyId, {}, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.GetParametersForImportCommand({ KeyId, ...wrapping }), { abortSignal }),
    );
  }

  /** https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html */
  importKeyMaterial(input: ImportKeyMaterialCommandInput) {
    return this.#send("ImportKeyMaterial", input.KeyId, {}, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.ImportKeyMaterialCommand(input), { abortSignal }),
    );
  }

  #send<T>(operation: string, keyId: string | undefined, { signal }: CallOptions, request: KmsRequest<T>): Promise<T> {
    const context = { backend: BACKEND, keyId, operation };
    const ms = this.timeout;
    const timedOut = () => {
      const message = `${BACKEND} did not answer ${operation} within ${ms} ms; check that it can be reached, or raise timeout`;
      return new SignerError("BACKEND_TIMEOUT", message, context);
    };
    return withDeadline(
      async (innerSignal) => {
        try {
          return await this.connection.send({ operation, keyId }, { signal: innerSignal }, request);
        } catch (error) {
          throw isSignerError(error) ? error.withContext(context) : error;
        }
      },
      { signal, deadline: { ms, error: timedOut } },
    );
  }
}
