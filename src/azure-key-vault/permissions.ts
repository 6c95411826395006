import { isManagedHsm } from "./key-url.ts";

/** What a request needs: the access policy's permission, and the action that a role must have. */
export type RequestKind = "get" | "sign" | "list" | "create" | "import";

// The data actions of Azure roles, and those of a Managed HSM's local roles (Azure documentation, "Azure permissions for
// Security" and "Managed HSM local RBAC built-in roles"). Listing and reading are one action.
const ACTIONS: Readonly<Record<RequestKind, readonly [vault: string, managedHsm: string]>> = {
  get: ["read", "read/action"],
  list: ["read", "read/action"],
  sign: ["sign/action", "sign/action"],
  create: ["create/action", "create"],
  import: ["import/action", "import/action"],
};

/** "grant keys/sign to …": by role, by action and by access policy, as the vault's kind has them. */
export function grantAdvice(request: RequestKind, vaultUrl: string, serviceMessage: string): string {
  const identity = identityIn(serviceMessage) ?? "the credential's identity";
  const [vaultAction, hsmAction] = ACTIONS[request];
  const newKeys = request === "create" || request === "import";
  if (isManagedHsm(vaultUrl)) {
    return (
      `grant keys/${request} to ${identity}: the local role "Managed HSM Crypto User"${newKeys ? "" : " for the key"}, or ` +
      `a custom one with Microsoft.KeyVault/managedHsm/keys/${hsmAction}`
    );
  }
  return (
    `grant keys/${request} to ${identity}: the role "Key Vault Crypto ${newKeys ? "Officer" : "User"}", or a custom one with ` +
    `Microsoft.KeyVault/vaults/keys/${vaultAction}; in a vault with access policies, the key permission ` +
    `"${request}". A new role takes effect within some minutes`
  );
}

/** The application and the object ID that the service says it refused; undefined where it names none. */
export function identityIn(serviceMessage: string): string | undefined {
  const parts = ["appid", "oid"].flatMap((name) => {
    const [, value] = new RegExp(`\\b${name}=([0-9A-Za-z-]+)`, "i").exec(serviceMessage) ?? [];
    return value === undefined ? [] : [`${name} ${value}`];
  });
  return parts.length > 0 ? parts.join(", ") : undefined;
}
