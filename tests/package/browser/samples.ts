// What the pages sign, and what their checks need to know.

export const MESSAGE = "hello from a page";

const RECIPIENT = "0x000000000000000000000000000000000000dEaD" as const;

export const TRANSACTION = {
  ...{ type: 2, chainId: 1, nonce: 7, gasLimit: 21_000n, maxFeePerGas: 9_000_000_000n, maxPriorityFeePerGas: 1n },
  ...{ to: RECIPIENT, value: 1_000_000_000_000_000_000n },
} as const;

export const TYPED_DATA = {
  domain: { name: "Treasury", version: "1", chainId: 1, verifyingContract: RECIPIENT },
  types: {
    Payment: [
      { name: "to", type: "address" },
      { name: "amount", type: "uint256" },
    ],
  },
  value: { to: RECIPIENT, amount: 10n ** 18n },
};

export const AUTHORIZATION = { address: RECIPIENT, nonce: 7n, chainId: 1n };

/** The private key that a page imports: 32 bytes as hex. */
export const IMPORTED = `0x${"c5".repeat(32)}`;
