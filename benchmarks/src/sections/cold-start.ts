import { getBytes, hashMessage, hexlify, id, SigningKey, toUtf8Bytes, verifyMessage } from "ethers";
import { BackendServer } from "../backend-server.ts";
import { lambdaStart } from "../lambda-start.ts";
import { runPlainNode } from "../plain-node.ts";
import type { Section } from "../section.ts";
import { CREDENTIALS } from "../settings.ts";
import { median } from "../statistics.ts";
import { atMost, noGoal, type Row } from "../table.ts";
import { createTarget } from "../token.ts";
import { vaultOptions } from "../vault-options.ts";

const MESSAGE = "a message";

/** Milliseconds, but for the signature. */
interface ColdStart {
  readonly peers: number;
  readonly entry: number;
  readonly construction: number;
  readonly firstSignature: number;
  readonly total: number;
  readonly signature: string;
}

interface Start {
  readonly entry: string;
  readonly target: object;
  readonly address: string;
}

interface FormattedStart extends Start {
  readonly format: "import" | "require";
  readonly runs: ColdStart[];
}

export const coldStart: Section = {
  name: "cold-start",
  title: "Cold start",
  async run({ quick }) {
    const kms = await BackendServer.start("aws-kms");
    const vault = await BackendServer.start("azure-key-vault");
    try {
      const starts = allStarts(kms, vault).flatMap((start) =>
        (["import", "require"] as const).map((format): FormattedStart => ({ ...start, format, runs: [] })),
      );
      for (let round = 0; round < (quick ? 1 : 11); round += 1) await measure(starts, quick ? 2 : 1);
      const caption =
        "A fresh process of plain Node for each figure, medians in ms. The peers are ethers and the vendor's package, loaded first; " +
        "the first signature is a message's, and for the backends begins with the first request for the public key.";
      return [{ caption, rows: starts.map(row) }, await lambdaStart(kms.kmsTarget(), quick ? 1 : 11)];
    } finally {
      await Promise.all([kms.stop(), vault.stop()]);
    }
  },
};

function allStarts(kms: BackendServer, vault: BackendServer): readonly Start[] {
  const { address: kmsAddress, ...kmsTarget } = kms.kmsTarget();
  const { address: vaultAddress, token, keyName } = vault.vaultTarget();
  const { credential: _, ...vaultTarget } = vaultOptions(vault.vaultTarget());
  const { address: tokenAddress, ...token11 } = createTarget();
  // AWS CloudHSM's PIN is the user and the password.
  const [user, password] = ["crypto-user", "bench-password"];
  const { address: cloudAddress, pin: _pin, ...cloud } = createTarget(`${user}:${password}`);
  const answering = answeringTarget();
  return [
    { entry: "ethers-hsm", ...answering },
    { entry: "ethers-hsm/aws-kms", target: { ...kmsTarget, credentials: CREDENTIALS }, address: kmsAddress },
    { entry: "ethers-hsm/azure-key-vault", target: { ...vaultTarget, keyName, token }, address: vaultAddress },
    { entry: "ethers-hsm/pkcs11", target: token11, address: tokenAddress },
    { entry: "ethers-hsm/cloudhsm", target: { ...cloud, user, password }, address: cloudAddress },
    { entry: "ethers-hsm/eip1193", ...answering },
    { entry: "ethers-hsm/viem", ...answering },
  ];
}

/** What a key that knows its answer is told. */
function answeringTarget(): Omit<Start, "entry"> {
  const key = new SigningKey(id("the key of the cold start"));
  const { r, s } = key.sign(hashMessage(MESSAGE));
  const signature = key.sign(hashMessage(MESSAGE));
  const target = { publicKey: [...getBytes(key.publicKey)], r, s, message: hexlify(toUtf8Bytes(MESSAGE)) };
  return { target, address: verifyMessage(MESSAGE, signature) };
}

/** Each start once more; with more than one at a time they disturb each other. */
async function measure(starts: readonly FormattedStart[], atOnce: number): Promise<void> {
  const left = [...starts];
  const runInTurn = async () => {
    for (let start = left.shift(); start; start = left.shift()) await run(start);
  };
  await Promise.all(Array.from({ length: atOnce }, runInTurn));
}

async function run({ entry, format, target, address, runs }: FormattedStart): Promise<void> {
  const figures = await runPlainNode<ColdStart>("cold-start.mjs", [entry, format, JSON.stringify(target)]);
  if (verifyMessage(MESSAGE, figures.signature) !== address) throw new Error(`${entry} signed with another key`);
  runs.push(figures);
}

function row({ entry, format, runs }: FormattedStart): Row {
  const of = (name: Exclude<keyof ColdStart, "signature">) => median(runs.map((each) => each[name]));
  return {
    "Entry point": `\`${entry}\``,
    By: `\`${format}\``,
    Peers: of("peers"),
    "Entry point adds": of("entry"),
    "Beside the peers": median(runs.map(({ entry: own, peers }) => own / peers)),
    Construction: of("construction"),
    "First signature": of("firstSignature"),
    "In all": of("total"),
    ...(entry === "ethers-hsm/aws-kms" ? atMost(15, of("entry"), " ms") : noGoal),
  };
}
