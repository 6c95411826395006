import { afterAll } from "@jest/globals";
import { approveQuorumToken } from "../../src/approvals/index.ts";
import { CloudHsmQuorumSigner } from "../../src/cloudhsm/quorum/index.ts";
import { CloudHsmCluster } from "../servers/cloudhsm-cli/cluster.ts";
import { describeSignerContract } from "./suite.ts";

// A stand-in for AWS's CLI; two of three users approve whatever the suite signs, each after verifying the request.
const cluster = new CloudHsmCluster();
const [alice, bob] = cluster.users;
const signers: CloudHsmQuorumSigner[] = [];

describeSignerContract("CloudHsmQuorumSigner with 2 of 3 approvals", async () => ({
  create: async (privateKey, provider) => {
    if (alice === undefined || bob === undefined) throw new Error("no users");
    const keyLabel = `key-${signers.length}`;
    cluster.addKey(keyLabel, 2, privateKey);
    const signer = new CloudHsmQuorumSigner(
      {
        cliPath: cluster.cliPath,
        user: alice.username,
        password: alice.password,
        keyLabel,
        approve: (request) =>
          Promise.all(
            [alice, bob].map(({ username, privateKey: key }) =>
              approveQuorumToken(request, username, key, {
                expectedAccount: false,
                expectedChainId: false,
                allowBareDigest: true,
              }),
            ),
          ),
        approvers: new Map(cluster.users.map(({ username, publicKey }) => [username, publicKey])),
      },
      provider,
    );
    signers.push(signer);
    return signer;
  },
}));

afterAll(async () => {
  await Promise.all(signers.map((signer) => signer.close()));
  cluster.remove();
});
