// The approver's page: the same checks and the same lines as the command's, without a network. scripts/approval-page.mjs puts it into one
// HTML file.

import { serializeQuorumApproval } from "../approval.ts";
import { mark } from "../display.ts";
import { parseApprovalRequest } from "../request.ts";
import { type VerifiedRequest, verifyApprovalRequest } from "../verify-request.ts";
import { readFile, readKnowledge } from "./files.ts";
import { signApproval } from "./sign.ts";

/** How many characters of the digest's begin, and of its end, an approver types. */
const SHOWN = 4;

let text = "";
let options: Parameters<typeof verifyApprovalRequest>[1] | undefined;

on("expectations", async () => {
  const [file] = element("request", HTMLInputElement).files ?? [];
  if (file !== undefined) text = await readFile(file);
  await show();
});

document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  const [file] = event.dataTransfer?.files ?? [];
  element("request", HTMLInputElement).value = "";
  void attempt(async () => {
    text = file === undefined ? "" : await readFile(file);
    await show();
  });
});

on("signing", async () => {
  // The time may be over meanwhile.
  const { digest, request } = verify();
  const typed = readInput("characters")
    .toLowerCase()
    .replace(/[\s.…-]|^0x/g, "");
  if (typed !== digest.slice(2, 2 + SHOWN) + digest.slice(-SHOWN)) {
    throw new Error("These are not the digest's characters: nothing was signed.");
  }
  const [key] = element("key", HTMLInputElement).files ?? [];
  if (key === undefined) throw new Error("Choose the file of your private key.");
  const approval = await signApproval(request.token, readInput("user"), await readFile(key));
  const json = serializeQuorumApproval(approval);
  element("approval", HTMLTextAreaElement).value = json;
  const save = element("save", HTMLAnchorElement);
  save.href = URL.createObjectURL(new Blob([json], { type: "application/json" }));
  save.download = `${request.id}.${approval.username.replace(/[^\w.-]/g, "_")}.approval.json`;
  reveal("signed");
});

async function show(): Promise<void> {
  options = undefined;
  if (text === "") throw new Error("Choose the file of the request.");
  const isAny = (id: string) => element(id, HTMLInputElement).checked;
  const expectedAccount = isAny("any-account") ? false : readInput("account");
  const expectedChainId = isAny("any-chain") ? false : readInput("chain");
  if (expectedAccount === "") throw new Error("Say which account you expect.");
  if (expectedChainId === "") throw new Error("Say which chain you expect.");
  const files = [...(element("files", HTMLInputElement).files ?? [])];
  options = { ...(await readKnowledge(files)), expectedAccount, expectedChainId };
  render(verify());
}

function verify(): VerifiedRequest {
  if (options === undefined) throw new Error("Show the request first.");
  return verifyApprovalRequest(parseApprovalRequest(text), options);
}

function render({ lines, warnings }: VerifiedRequest): void {
  element("warnings", HTMLElement).replaceChildren(...warnings.map((warning) => create("p", warning, "warning")));
  element("lines", HTMLElement).replaceChildren(
    ...lines
      .filter(([name]) => name !== "WARNING")
      .map(([name, value]) => {
        const row = create("div", "");
        row.append(create("dt", name), create("dd", value));
        return row;
      }),
  );
  element("signing", HTMLElement).hidden = false;
  reveal("shown");
}

/** A form's action. Whatever fails is told, and nothing older than it stays in sight. */
function on(form: string, action: () => Promise<void>): void {
  element(form, HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(action, form === "expectations");
  });
}

async function attempt(action: () => Promise<void>, isNew = true): Promise<void> {
  const problem = element("problem", HTMLElement);
  problem.textContent = "";
  element("signed", HTMLElement).hidden = true;
  if (isNew) {
    element("shown", HTMLElement).hidden = true;
    element("signing", HTMLElement).hidden = true;
  }
  try {
    await action();
  } catch (error) {
    const { shortMessage, message } = error as { shortMessage?: string; message?: string };
    // Of a file's name, or of what a request says.
    problem.textContent = mark(shortMessage ?? message ?? "It failed.");
    problem.scrollIntoView();
  }
}

function reveal(id: string): void {
  element(id, HTMLElement).hidden = false;
  element(`${id}-title`, HTMLElement).focus();
}

function create(name: string, content: string, className = ""): HTMLElement {
  const made = document.createElement(name);
  // As text: nothing of a request is markup.
  made.textContent = content;
  made.className = className;
  return made;
}

function readInput(id: string): string {
  return element(id, HTMLInputElement).value.trim();
}

function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new TypeError(`the page has no ${id}`);
  return found;
}
