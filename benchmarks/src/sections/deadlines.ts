import { BackendServer } from "../backend-server.ts";
import { Program } from "../program.ts";
import type { DeadlineMessage, Target } from "../programs/deadlines.ts";
import type { Section } from "../section.ts";
import { quantile } from "../statistics.ts";
import type { Row } from "../table.ts";
import { createTarget } from "../token.ts";

export const deadlines: Section = {
  name: "deadlines",
  title: "Deadlines",
  async run({ quick }) {
    const [kms, vault] = await Promise.all([BackendServer.start("aws-kms"), BackendServer.start("azure-key-vault")]);
    const timeout = quick ? 300 : 500;
    try {
      const backends: readonly (readonly [name: string, target: Target, hang: () => Promise<void>])[] = [
        ["`KmsSigner`", { kms: kms.kmsTarget() }, () => kms.hang()],
        ["`AzureKeyVaultSigner`", { vault: vault.vaultTarget() }, () => vault.hang()],
        ["`Pkcs11Signer`", { token: createTarget() }, async () => {}],
      ];
      const rows: Row[] = [];
      for (const [name, target, hang] of backends) {
        const program = Program.start<DeadlineMessage, readonly number[]>(
          new URL("../programs/deadlines.ts", import.meta.url),
        );
        try {
          await program.ask({ timeout, target });
          await hang();
          for (const inFlight of [1, 8]) {
            const calls = quick ? inFlight : 40;
            const late = await program.ask({ calls, inFlight });
            rows.push({
              Signer: name,
              "In flight": inFlight,
              "`timeout`, ms": timeout,
              "Late, p50, ms": quantile(late, 0.5),
              "Late, longest, ms": Math.max(...late),
              "Beside `timeout`": (timeout + Math.max(...late)) / timeout,
            });
          }
        } finally {
          await program.stop();
        }
      }
      const caption =
        "How long after `timeout` a call ends with BACKEND_TIMEOUT where the backend takes it and never answers.";
      return [{ caption, rows }];
    } finally {
      await Promise.all([kms.stop(), vault.stop()]);
    }
  },
};
