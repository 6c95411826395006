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
    const rows = figures.map(({ what, signer, wallet }) => ({
      What: what,
      "`RemoteSigner`, ms": signer,
      "`Wallet`, ms": wallet,
      "Beside `Wallet`": signer / wallet,
      ...atMost(1, signer / wallet),
    }));
    return [{ caption: "The remote key answers at once: what is left is encoding, hashing and verification.", rows }];
  },
};
