// What the templates would deploy, checked against the models of Azure's own management SDKs: nothing here asks Azure.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { AuthorizationManagementClient } from "@azure/arm-authorization";
import {
  KeyVaultManagementClient,
  KnownJsonWebKeyCurveName,
  KnownJsonWebKeyOperation,
  KnownJsonWebKeyType,
  KnownKeyPermissions,
} from "@azure/arm-keyvault";
import { deployed, GROUP, type Resource, TENANT } from "./arm-template.ts";

const SIGNER = "00000000-0000-0000-0000-0000000000aa";
const parameters = { vaultName: "treasury-vault", signerObjectId: SIGNER };

function resource(all: readonly Resource[], type: string): Resource {
  const [found, ...others] = all.filter((each) => each.type === type);
  assert(found !== undefined && others.length === 0, `one ${type}`);
  return found;
}

/**
 * The body that Azure's SDK would send of a resource: it leaves out what the service's own description does not have. The
 * request itself goes nowhere.
 */
async function sent(
  call: (client: KeyVaultManagementClient & AuthorizationManagementClient) => unknown,
): Promise<unknown> {
  let body: unknown;
  const options = {
    httpClient: {
      sendRequest: async (request: { readonly body?: unknown }) => {
        body = JSON.parse(String(request.body));
        throw new Error("not sent");
      },
    },
    retryOptions: { maxRetries: 0 },
  };
  const credential = { getToken: async () => ({ token: "none", expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const subscription = "00000000-0000-0000-0000-000000000001";
  const vaults = new KeyVaultManagementClient(credential, subscription, options);
  const roles = new AuthorizationManagementClient(credential, subscription, options);
  const { roleDefinitions, roleAssignments } = roles;
  await assert.rejects(
    async () => call(Object.assign(vaults, { roleDefinitions, roleAssignments }) as never),
    /not sent/,
  );
  return body;
}

function assertAllKnown(known: object, values: readonly unknown[]): void {
  for (const value of values) assert(Object.values(known).includes(value), `${value} is not known to Azure`);
}

describe("vault.json", () => {
  test("has a premium vault whose keys cannot be purged", async () => {
    const { name, location, properties } = resource(deployed("vault.json", parameters), "Microsoft.KeyVault/vaults");
    assert.equal(name, "treasury-vault");
    const body = await sent(({ vaults }) => vaults.createOrUpdate("treasury", name, { location, properties }));
    assert.deepEqual(body, { location: "westeurope", properties });
    assert.deepEqual(properties, {
      tenantId: TENANT,
      sku: { family: "A", name: "premium" },
      enableRbacAuthorization: true,
      accessPolicies: [],
      enableSoftDelete: true,
      softDeleteRetentionInDays: 90,
      enablePurgeProtection: true,
    });
  });

  for (const [protection, kty, sku] of [
    ["hsm", KnownJsonWebKeyType.ECHSM, "premium"],
    ["software", KnownJsonWebKeyType.EC, "standard"],
  ] as const) {
    test(`has a P-256K key that signs and verifies and nothing else: ${protection}`, async () => {
      const all = deployed("vault.json", { ...parameters, protection });
      const { name, properties } = resource(all, "Microsoft.KeyVault/vaults/keys");
      assert.equal(name, "treasury-vault/treasury");
      const body = await sent(({ keys }) =>
        keys.createIfNotExist("treasury", "treasury-vault", "treasury", { properties }),
      );
      assert.deepEqual(body, { properties });
      assert.deepEqual(properties, { kty, curveName: "P-256K", keyOps: ["sign", "verify"] });
      assertAllKnown(KnownJsonWebKeyCurveName, [properties.curveName]);
      assertAllKnown(KnownJsonWebKeyOperation, properties.keyOps ?? []);
      const vault = resource(all, "Microsoft.KeyVault/vaults");
      assert.equal(vault.properties.sku.name, sku);
    });
  }

  test("gives the identity a role with two data actions, on that key alone", async () => {
    const all = deployed("vault.json", parameters);
    const definition = resource(all, "Microsoft.Authorization/roleDefinitions");
    const dataActions = ["Microsoft.KeyVault/vaults/keys/read", "Microsoft.KeyVault/vaults/keys/sign/action"];
    const { permissions, ...role } = definition.properties;
    const definitionBody = await sent(({ roleDefinitions }) =>
      roleDefinitions.createOrUpdate(GROUP, definition.name, {
        ...role,
        roleType: role.type as string,
        permissions,
      }),
    );
    assert.deepEqual(definitionBody, { properties: definition.properties });
    assert.deepEqual(permissions, [{ actions: [], notActions: [], dataActions, notDataActions: [] }]);
    assert.deepEqual(definition.properties.assignableScopes, [GROUP]);
    // A tenant takes each display name once, and another subscription may have a group of this name.
    assert.equal(definition.properties.roleName, `Ethereum signer (treasury, ${definition.name})`);
    const assignment = resource(all, "Microsoft.Authorization/roleAssignments");
    const name = definition.name;
    assert.match(name, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.deepEqual(assignment.properties, {
      roleDefinitionId: `${GROUP}/providers/Microsoft.Authorization/roleDefinitions/${name}`,
      principalId: SIGNER,
      principalType: "ServicePrincipal",
    });
    const assignmentBody = await sent(({ roleAssignments }) =>
      roleAssignments.create(String(assignment.scope), assignment.name, assignment.properties as never),
    );
    assert.deepEqual(assignmentBody, { properties: assignment.properties });
    const key = `${GROUP}/providers/Microsoft.KeyVault/vaults/treasury-vault/keys/treasury`;
    assert.equal(assignment.scope, key);
    assert.deepEqual(assignment.dependsOn, [key, assignment.properties.roleDefinitionId]);
  });

  test("has the access policy instead of the role where that was asked for", () => {
    const all = deployed("vault.json", { ...parameters, authorization: "accessPolicy" });
    assert.deepEqual(
      all.map(({ type }) => type),
      ["Microsoft.KeyVault/vaults", "Microsoft.KeyVault/vaults/keys"],
    );
    const { properties } = resource(all, "Microsoft.KeyVault/vaults");
    const keys = ["get", "list", "sign", "verify"];
    assert.equal(properties.enableRbacAuthorization, false);
    assert.deepEqual(properties.accessPolicies, [{ tenantId: TENANT, objectId: SIGNER, permissions: { keys } }]);
    assertAllKnown(KnownKeyPermissions, keys);
  });

  test("refuses what it does not know", () => {
    assert.throws(() => deployed("vault.json", { ...parameters, authorization: "both" }), /may not be both/);
    assert.throws(() => deployed("vault.json", { vaultName: "v" }), /signerObjectId/);
  });
});

describe("managed-hsm.json", () => {
  test("has an HSM that cannot be purged", async () => {
    const all = deployed("managed-hsm.json", { hsmName: "treasury-hsm", administratorObjectIds: [SIGNER] });
    const { name, location, sku, properties } = resource(all, "Microsoft.KeyVault/managedHSMs");
    const body = await sent(({ managedHsms }) =>
      managedHsms.createOrUpdate("treasury", name, { location, sku, properties }),
    );
    assert.deepEqual(body, { location, sku, properties });
    assert.deepEqual(sku, { family: "B", name: "Standard_B1" });
    assert.deepEqual(properties.initialAdminObjectIds, [SIGNER]);
    assert.equal(properties.enablePurgeProtection, true);
  });

  test("has a local role with two data actions beside it", () => {
    const role = JSON.parse(readFileSync(new URL("../infrastructure/managed-hsm-role.json", import.meta.url), "utf8"));
    assert.deepEqual(role.dataActions, [
      "Microsoft.KeyVault/managedHsm/keys/read/action",
      "Microsoft.KeyVault/managedHsm/keys/sign/action",
    ]);
    assert.deepEqual([role.actions, role.notActions, role.notDataActions], [[], [], []]);
  });
});
