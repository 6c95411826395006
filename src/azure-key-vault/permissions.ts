/** What a request needs: the access policy's permission, and the action that a role must have. */
export type RequestKind = "get" | "sign";

const ACTIONS: Readonly<Record<RequestKind, string>> = { get: "read", sign: "sign/action" };

/** "grant keys/sign to …": by role, by action and by access policy, as the vault's kind has them. */
export function grantAdvice(request: RequestKind, vaultUrl: string, serviceMessage: string): string {
  const identity = identityIn(serviceMessage) ?? "the credential's identity";
  if (/\.managedhsm\./i.test(vaultUrl)) {
    const action = `Microsoft.KeyVault/managedHsm/keys/${ACTIONS[request].replace(/^read$/, "read/action")}`;
    return (
      `grant keys/${request} to ${identity}: the local role "Managed HSM Crypto User" for the key, or a custom one with ` +
      action
    );
  }
  return (
    `grant keys/${request} to ${identity}: the role "Key Vault Crypto User", or a custom one with ` +
    `Microsoft.KeyVault/vaults/keys/${ACTIONS[request]}; in a vault with access policies, the key permission ` +
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
