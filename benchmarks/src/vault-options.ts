import type { VaultTarget } from "./backend-server.ts";

/** What Azure's SDK and the signer need for a server on this machine, which has neither TLS nor one of Azure's names. */
export function vaultOptions({ vaultUrl, token }: VaultTarget) {
  return {
    vaultUrl,
    credential: { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) },
    allowInsecureConnection: true,
    disableChallengeResourceVerification: true,
  };
}
