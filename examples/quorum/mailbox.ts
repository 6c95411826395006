import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ApprovalRequest,
  parseApprovalRequest,
  parseQuorumApproval,
  type QuorumApproval,
  serializeApprovalRequest,
  serializeQuorumApproval,
} from "ethers-hsm/approvals";

const REQUEST = ".request.json";
const APPROVAL = ".approval.json";
const REFUSAL = ".refusal.txt";
const POLL = 100;

/** What came back for a request. */
export interface Answers {
  readonly approvals: readonly QuorumApproval[];
  readonly refusals: readonly string[];
}

/** A folder that the requester and the approvers share, in place of mail, chat or an application of your own. */
export class Mailbox {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async sendRequest(request: ApprovalRequest): Promise<void> {
    await this.#write(`${request.id}${REQUEST}`, serializeApprovalRequest(request));
  }

  /** The first request that the folder has, or gets. It is not verified yet. */
  async receiveRequest(signal: AbortSignal): Promise<ApprovalRequest> {
    for (;;) {
      const [name] = await this.#names(REQUEST);
      if (name !== undefined) return parseApprovalRequest(await readFile(join(this.#folder, name), "utf8"));
      await sleep(POLL, undefined, { signal });
    }
  }

  async sendApproval({ id }: ApprovalRequest, approval: QuorumApproval): Promise<void> {
    await this.#write(`${id}.${approval.username}${APPROVAL}`, serializeQuorumApproval(approval));
  }

  async sendRefusal({ id }: ApprovalRequest, username: string): Promise<void> {
    await this.#write(`${id}.${username}${REFUSAL}`, `${username}\n`);
  }

  /** What has come for a request once that is enough. Whose the approvals are, and whether they are right, the signer checks. */
  async receiveAnswers(
    { id }: ApprovalRequest,
    enough: (answers: Answers) => boolean,
    signal: AbortSignal,
  ): Promise<Answers> {
    for (;;) {
      const read = (name: string) => readFile(join(this.#folder, name), "utf8");
      const approvals = await Promise.all((await this.#names(APPROVAL, id)).map(read));
      const refusals = await Promise.all((await this.#names(REFUSAL, id)).map(read));
      const answers = {
        approvals: approvals.map(parseQuorumApproval),
        refusals: refusals.map((name) => name.trim()),
      };
      if (enough(answers)) return answers;
      await sleep(POLL, undefined, { signal });
    }
  }

  async #names(suffix: string, prefix = ""): Promise<string[]> {
    const names = await readdir(this.#folder);
    return names.filter((name) => name.startsWith(prefix) && name.endsWith(suffix)).sort();
  }

  /** Under another name first, since a reader may come in the middle. */
  async #write(name: string, text: string): Promise<void> {
    const path = join(this.#folder, name);
    await writeFile(`${path}.partial`, text);
    await rename(`${path}.partial`, path);
  }
}
