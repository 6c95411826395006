// An application that signs once and ends without close(). What it needs comes in its environment.

import { createPrivateKey } from "node:crypto";
import { approveQuorumToken } from "../../../src/approvals/index.ts";
import { CloudHsmQuorumSigner } from "../../../src/cloudhsm/quorum/index.ts";

const { cliPath = "", user = "", password, keys } = JSON.parse(process.env["APPLICATION"] ?? "{}");
const signer = new CloudHsmQuorumSigner({
  cliPath,
  user,
  password,
  keyLabel: "cold",
  approve: (request) => {
    const any = { expectedAccount: false, expectedChainId: false } as const;
    const approve = ([name, pem]: [string, string]) => approveQuorumToken(request, name, createPrivateKey(pem), any);
    return Promise.all(Object.entries<string>(keys).map(approve));
  },
});
process.stdout.write(await signer.signMessage("the end"));
