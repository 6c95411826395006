import { KMSClient } from "@aws-sdk/client-kms";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { KmsKey, KmsSigner } from "ethers-hsm/aws-kms";
import { WRONG_SECRET_ACCESS_KEY } from "../servers/aws-kms/signature-v4.ts";
import { everythingShown } from "../support/everything-shown.ts";
import { DIGEST, type Kms, rejectionOf, startKms } from "./support.ts";

const PLANTED = ["planted-secret-access-key", "planted-session-token", "planted-grant-token", "planted-endpoint-user"];
const [secretAccessKey = "", sessionToken = "", grantToken = "", endpointUser = ""] = PLANTED;
const credentials = { accessKeyId: "AKIATESTTESTTESTTEST", secretAccessKey, sessionToken };

let kms: Kms;

beforeAll(async () => {
  kms = await startKms();
});

afterAll(async () => {
  await kms.server.close();
});

function expectNothingPlanted(value: unknown): void {
  const shown = everythingShown(value).toLowerCase();
  const found = [...PLANTED, "AWS4-HMAC-SHA256", "amz-sdk-invocation-id"].filter((text) =>
    shown.includes(text.toLowerCase()),
  );
  expect(found).toEqual([]);
}

test("what is planted would be found", () => {
  expect(everythingShown({ deep: { down: credentials } })).toContain(secretAccessKey);
  expect(() => expectNothingPlanted(new Error("x", { cause: { sessionToken } }))).toThrow();
});

test("signers and keys show nothing, before, while and after they work", async () => {
  const endpoint = kms.server.url.replace("http://", `http://${endpointUser}@`);
  expectNothingPlanted(new KmsSigner(kms.options({ credentials, endpoint })));
  const options = kms.options({ credentials, grantTokens: [grantToken] });
  const signer = new KmsSigner(options);
  const key = new KmsKey(options);
  const client = new KMSClient({ region: kms.server.region, endpoint: kms.server.url, credentials });
  const withClient = new KmsSigner({ client, keyId: kms.key.keyId, grantTokens: [grantToken] });
  const all = [signer, signer.connect(null), key, withClient];
  for (const each of all) expectNothingPlanted(each);
  const signing = Promise.all([signer.signDigest(DIGEST), key.getPublicKey(), withClient.signDigest(DIGEST)]);
  for (const each of all) expectNothingPlanted(each);
  await signing;
  for (const each of all) expectNothingPlanted(each);
  for (const each of [signer, key, withClient]) await each.close();
  for (const each of all) expectNothingPlanted(each);
  client.destroy();
});

test("a refused signature, for which AWS repeats the headers that were signed", async () => {
  const signer = new KmsSigner(kms.options({ credentials: { ...credentials, accessKeyId: WRONG_SECRET_ACCESS_KEY } }));
  const error = await rejectionOf(signer.getAddress());
  expect(error).toMatchObject({ code: "ACCESS_DENIED" });
  expectNothingPlanted(error);
  await signer.close();
});

test("a caller's mistake shows nothing either", () => {
  const mistakes = [
    { keyId: "", credentials },
    { keyId: "a", credentials, endpoint: `${endpointUser}:no url` },
    { keyId: "a", credentials, grantTokens: grantToken as unknown as string[] },
    { keyId: "a", credentials, client: new KMSClient({ region: "eu-west-1", credentials }) },
    { keyId: "a", credentials, timeout: -1 },
  ];
  for (const options of mistakes) {
    let thrown: unknown;
    try {
      new KmsSigner(options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "INVALID_ARGUMENT" });
    expectNothingPlanted(thrown);
  }
});
