import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { id } from "ethers";
import { KmsSigner } from "../../src/aws-kms/index.ts";
import { GcpKmsKeyStore } from "../../src/gcp-kms/index.ts";
import { openStore } from "../aws-kms/store-support.ts";
import { type Kms, startKms } from "../aws-kms/support.ts";
import { signerFor, startServer } from "../azure-key-vault/setup.ts";
import { restOf, storeFor } from "../azure-key-vault/store-setup.ts";
import { signerFor as gcpSignerFor, LOCATION, RING, startServer as startGcpKms, wayTo } from "../gcp-kms/setup.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import type { GcpKmsServer } from "../servers/gcp-kms/server.ts";

interface Statement {
  readonly Effect: string;
  readonly Principal?: { readonly AWS: string };
  readonly Action: string | readonly string[];
  readonly Resource: string;
  readonly Condition?: { readonly StringEquals: Readonly<Record<string, string>> };
}
interface Policy {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}
interface Role {
  readonly DataActions: readonly string[];
}

const file = (name: string): string => readFileSync(`${__dirname}/../../examples/policies/${name}`, "utf8");
const json = <T>(name: string): T => JSON.parse(file(name)) as T;
const sorted = (items: Iterable<string>): string[] => [...new Set(items)].sort();
const actionsOf = ({ Statement }: Policy): string[] => sorted(Statement.flatMap(({ Action }) => Action));
const tags = { team: "payments" };

let kms: Kms;
let vault: KeyVaultServer;

beforeAll(async () => {
  [kms, vault] = await Promise.all([startKms(), startServer()]);
});

afterAll(async () => {
  await Promise.all([kms.server.close(), vault.close()]);
});

describe("AWS KMS", () => {
  const tasks: [string, () => Promise<unknown>][] = [
    ["sign", () => new KmsSigner(kms.options()).signMessage("x")],
    ["create", () => openStore(kms.server, { tags }).createKey({ name: "alias/payout/a" })],
    ["discover", () => restOf(openStore(kms.server, { tags }).list())],
    ["import", () => openStore(kms.server, { tags }).importKey(id("imported"), { name: "alias/payout/b" })],
  ];

  test.each(tasks)("%s.json permits what is asked of KMS, and no more", async (name, task) => {
    const before = kms.server.requests.length;
    await task();
    const requests = kms.server.requests.slice(before);
    const asked = requests.map(({ operation }) => `kms:${operation}`);
    // AWS's own rule: tags at creation need the permission to tag.
    if (requests.some(({ operation, input }) => operation === "CreateKey" && input["Tags"]))
      asked.push("kms:TagResource");
    expect(actionsOf(json<Policy>(`aws-kms/${name}.json`))).toEqual(sorted(asked));
  });

  test.each([...tasks.map(([name]) => name), "key-policy"])("%s.json is a policy of IAM's form", (name) => {
    const policy = json<Policy>(`aws-kms/${name}.json`);
    expect(Object.keys(policy)).toEqual(["Version", "Statement"]);
    expect(policy.Version).toBe("2012-10-17");
    const known = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"];
    for (const statement of policy.Statement) {
      expect(Object.keys(statement).filter((key) => !known.includes(key))).toEqual([]);
      expect(statement.Effect).toBe("Allow");
      expect(statement.Resource).toMatch(/^(\*|arn:aws:kms:eu-west-1:111122223333:(key|alias)\/.+)$/);
    }
  });

  test.each(["sign", "import", "key-policy"])(
    "%s.json permits Sign for digests and ECDSA alone, as requests have it",
    (name) => {
      const statements = json<Policy>(`aws-kms/${name}.json`).Statement.filter(({ Action }) =>
        Action.includes("kms:Sign"),
      );
      expect(statements).toHaveLength(1);
      const requests = kms.server.requests.filter(({ operation }) => operation === "Sign");
      expect(requests.length).toBeGreaterThan(0);
      for (const { input } of requests) {
        expect(statements[0]?.Condition?.StringEquals).toEqual({
          "kms:SigningAlgorithm": input["SigningAlgorithm"],
          "kms:MessageType": input["MessageType"],
        });
      }
    },
  );

  test.each([
    ["create", "AWS_KMS"],
    ["import", "EXTERNAL"],
  ])("%s.json permits keys as they are asked for", (name, origin) => {
    const { input } = kms.server.requests.find((each) => each.input["Origin"] === origin) ?? {};
    const [statement] = json<Policy>(`aws-kms/${name}.json`).Statement;
    expect(statement?.Condition?.StringEquals).toEqual({
      "kms:KeySpec": input?.["KeySpec"],
      "kms:KeyUsage": input?.["KeyUsage"],
      "kms:KeyOrigin": origin,
    });
  });

  test("the key policy gives the signer what sign.json gives", () => {
    const signer = json<Policy>("aws-kms/key-policy.json").Statement.filter(({ Principal }) =>
      Principal?.AWS.includes(":role/"),
    );
    const rights = (statements: readonly Statement[]) =>
      statements.map(({ Action, Condition }) => ({ Action, Condition }));
    expect(rights(signer)).toEqual(rights(json<Policy>("aws-kms/sign.json").Statement));
  });
});

describe("Azure Key Vault", () => {
  // By the server's operation: the access policy's permission, and the role's data action (keys/list is part of read).
  const NEEDS: Readonly<Record<string, readonly [string, string]>> = {
    getKey: ["get", "read"],
    listKeys: ["list", "read"],
    sign: ["sign", "sign/action"],
    createKey: ["create", "create/action"],
    importKey: ["import", "import/action"],
  };
  const tasks: [string, () => Promise<unknown>][] = [
    ["sign", () => signerFor(vault).signMessage("x")],
    ["discover", () => restOf(storeFor(vault).list())],
    ["create", () => storeFor(vault).createKey({ name: "created" })],
    ["import", () => storeFor(vault).importKey(id("imported"), { name: "imported" })],
  ];

  test.each(tasks)("%s: role and access policy permit what is asked of the vault, and no more", async (name, task) => {
    const before = vault.log.length;
    await task();
    const operations = vault.log.slice(before).map(({ operation }) => operation);
    const needs = operations.filter((each) => each !== "challenge").map((each) => NEEDS[each] ?? ["unknown", each]);
    const { DataActions } = json<Role>(`azure-key-vault/${name}.role.json`);
    expect(sorted(DataActions)).toEqual(sorted(needs.map(([, action]) => `Microsoft.KeyVault/vaults/keys/${action}`)));
    const permissions = json<Record<string, string[]>>("azure-key-vault/access-policies.json")[name];
    expect(sorted(permissions ?? [])).toEqual(sorted(needs.map(([permission]) => permission ?? "")));
  });

  test.each(tasks.map(([name]) => name))("%s.role.json is a role of Azure's form", (name) => {
    const role = json<Record<string, unknown>>(`azure-key-vault/${name}.role.json`);
    expect(role).toEqual({
      Name: expect.any(String),
      IsCustom: true,
      Description: expect.any(String),
      Actions: [],
      NotActions: [],
      DataActions: expect.any(Array),
      NotDataActions: [],
      AssignableScopes: [expect.stringMatching(/^\/subscriptions\/[0-9a-f-]{36}$/)],
    });
  });

  test("the role of a Managed HSM is that of a vault", () => {
    const { dataActions } = json<{ dataActions: string[] }>("azure-key-vault/managed-hsm-sign.role.json");
    const { DataActions } = json<Role>("azure-key-vault/sign.role.json");
    const names = (actions: readonly string[]) => actions.map((action) => /keys\/(\w+)/.exec(action)?.[1]);
    expect(names(dataActions)).toEqual(names(DataActions));
    for (const action of dataActions) expect(action).toMatch(/^Microsoft\.KeyVault\/managedHsm\/keys\/\w+\/action$/);
  });
});

describe("the guides", () => {
  test.each([
    ["aws-kms.md", ["aws-kms/sign.json", "aws-kms/discover.json"]],
    ["azure-key-vault.md", ["azure-key-vault/sign.role.json"]],
  ])("%s has the policies as the files have them", (guide, names) => {
    const text = readFileSync(`${__dirname}/../../docs/${guide}`, "utf8");
    const blocks = [...text.matchAll(/```json\n(.*?)```/gs)].map(([, block]) => JSON.parse(block ?? "") as object);
    const policies = blocks.filter((block) => "Statement" in block || "DataActions" in block);
    expect(policies).toEqual(names.map((name) => json(name)));
  });
});

describe("Google Cloud KMS", () => {
  const NEEDS: Readonly<Record<string, readonly string[]>> = {
    getPublicKey: ["cryptoKeyVersions.viewPublicKey"],
    asymmetricSign: ["cryptoKeyVersions.useToSign"],
    getCryptoKeyVersion: ["cryptoKeyVersions.get"],
    listKeyRings: ["keyRings.list"],
    listCryptoKeys: ["cryptoKeys.list"],
    listCryptoKeyVersions: ["cryptoKeyVersions.list"],
    createCryptoKey: ["cryptoKeys.create"],
    createImportJob: ["importJobs.create"],
    getImportJob: ["importJobs.get"],
    importCryptoKeyVersion: ["importJobs.useToImport", "cryptoKeyVersions.create"],
  };
  let google: GcpKmsServer;
  beforeAll(async () => {
    google = await startGcpKms();
  });
  afterAll(() => google.close());

  test.each<[string, () => Promise<unknown>]>([
    ["sign", () => gcpSignerFor(google).signMessage("x")],
    ["discover", () => restOf(new GcpKmsKeyStore({ ...wayTo(google), parent: LOCATION }).list())],
    ["create", () => new GcpKmsKeyStore({ ...wayTo(google), parent: RING }).createKey({ name: "created" })],
    [
      "import",
      () => new GcpKmsKeyStore({ ...wayTo(google), parent: RING }).importKey(id("imported"), { name: "imported" }),
    ],
  ])("%s.role.json permits what is requested, and no more", async (name, task) => {
    google.log.length = 0;
    await task();
    const needs = google.log.flatMap(({ rpc }) => NEEDS[rpc] ?? [`unknown: ${rpc}`]);
    const { includedPermissions } = json<{ includedPermissions: string[] }>(`gcp-kms/${name}.role.json`);
    expect(sorted(includedPermissions)).toEqual(sorted(needs.map((need) => `cloudkms.${need}`)));
  });
});
