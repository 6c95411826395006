import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect } from "@jest/globals";
import type { Provider } from "ethers";
import { type ApprovalRequest, approveQuorumToken, type QuorumApproval } from "../../../src/approvals/index.ts";
import {
  type ApproveQuorum,
  CloudHsmQuorumSigner,
  type CloudHsmQuorumSignerOptions,
} from "../../../src/cloudhsm/quorum/index.ts";
import { CloudHsmCluster } from "../../servers/cloudhsm-cli/cluster.ts";
import { until } from "../../support/until.ts";

/** A cluster of the stand-in with a key that `required` of its users must approve, and the signers over it. */
export class QuorumSetup {
  readonly cluster: CloudHsmCluster;
  /** Every request that approvers saw. */
  readonly requests: ApprovalRequest[] = [];
  readonly #signers: CloudHsmQuorumSigner[] = [];
  // An earlier process that had this one's number may have been killed.
  readonly #foldersBefore = tokenFolders();

  constructor({ users = ["alice", "bob", "carol"], required = 2 } = {}) {
    this.cluster = new CloudHsmCluster(users);
    this.cluster.addKey("cold", required);
  }

  /** The public keys that the users registered. */
  get approvers() {
    return new Map(this.cluster.users.map(({ username, publicKey }) => [username, publicKey]));
  }

  /** Approves as these users would, each after verifying the request; at once. */
  approve(...usernames: string[]): ApproveQuorum {
    return async (request) => {
      this.requests.push(request);
      return this.approvals(request, usernames);
    };
  }

  approvals(request: ApprovalRequest, usernames: readonly string[]): Promise<QuorumApproval[]> {
    const sign = (username: string) =>
      approveQuorumToken(request, username, this.cluster.user(username).privateKey, {
        expectedAccount: false,
        expectedChainId: false,
        allowBareDigest: true,
      });
    return Promise.all(usernames.map(sign));
  }

  signer(options: Partial<CloudHsmQuorumSignerOptions> = {}, provider?: Provider): CloudHsmQuorumSigner {
    const { username: user, password } = this.cluster.user("alice");
    const signer = new CloudHsmQuorumSigner(
      {
        cliPath: this.cluster.cliPath,
        user,
        password,
        ...(options.keyReference === undefined ? { keyLabel: "cold" } : {}),
        approve: this.approve("alice", "bob"),
        approvers: this.approvers,
        commandTimeout: 20_000,
        ...options,
      },
      provider,
    );
    this.#signers.push(signer);
    return signer;
  }

  /** Closes the signers, and sees that nothing of them is left: no process, no zombie, no folder. */
  async end(): Promise<void> {
    await Promise.all(this.#signers.map((signer) => signer.close()));
    await until(() => this.cluster.running.length === 0);
    // A call that its caller's timeout has ended tidies up afterwards.
    await until(() => tokenFolders().length <= this.#foldersBefore.length);
    expect(tokenFolders()).toEqual(this.#foldersBefore);
    this.cluster.remove();
  }
}

/** Where this process puts tokens for the CLI to read. */
function tokenFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith(`ethers-hsm-quorum-${process.pid}-`));
}
