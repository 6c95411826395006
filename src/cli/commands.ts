import type { Command } from "./command.ts";
import { accounts } from "./commands/accounts.ts";
import { address } from "./commands/address.ts";
import { approval } from "./commands/approval.ts";
import { audit } from "./commands/audit.ts";
import { create } from "./commands/create.ts";
import { custody } from "./commands/custody.ts";
import { doctor } from "./commands/doctor.ts";
import { importKey } from "./commands/import.ts";
import { nonces } from "./commands/nonces.ts";
import { policy } from "./commands/policy.ts";
import { send } from "./commands/send.ts";
import { signMessage } from "./commands/sign-message.ts";
import { signTx } from "./commands/sign-tx.ts";
import { signTypedData } from "./commands/sign-typed-data.ts";
import { verify } from "./commands/verify.ts";

export const commands: readonly Command[] = [
  ...[accounts, address, create, importKey],
  ...[signMessage, signTypedData, signTx, send, nonces, policy, audit, approval, verify, custody, doctor],
];
