import { askOnce } from "../program.ts";
import type { SigningFigure, SigningPlan } from "../programs/signing.ts";
import type { Section } from "../section.ts";
import { atMost } from "../table.ts";

export const signing: Section = {
  name: "signing",
  title: "Signing beside Wallet",
  async run({ quick }) {
    const plan = quick ? { rounds: 1, count: 4, warmUp: 2 } : { rounds: 9, count: 200, warmUp: 800 };
    const figures = await askOnce<SigningPlan, readonly SigningFigure[]>(
      new URL("../programs/signing.ts", import.meta.url),
      plan,
    );
    const rows = (limit: number, of: (figure: SigningFigure) => number) =>
      figures.map((figure) => ({
        What: figure.what,
        "`RemoteSigner`, ms": of(figure),
        "`Wallet`, ms": figure.wallet,
        "Beside `Wallet`": of(figure) / figure.wallet,
        ...atMost(limit, of(figure) / figure.wallet),
      }));
    const caption = "The remote key responds at once: what is left is encoding, hashing and verification";
    return [
      { caption: `${caption} by \`@noble/curves\`.`, rows: rows(1.6, ({ signer }) => signer) },
      { caption: `${caption} by libsecp256k1 (\`nativeVerifier()\`).`, rows: rows(0.7, ({ native }) => native) },
    ];
  },
};
