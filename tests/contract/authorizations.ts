import { expect, test } from "@jest/globals";
import type { Authorization, AuthorizationRequest, Signer } from "ethers";
import { hashAuthorization, verifyAuthorization, ZeroAddress } from "ethers";
import { expectCanonical, expectSameFailure } from "./compare.ts";
import type { Context, Pair } from "./context.ts";
import { FRIEND, NAMES } from "./context.ts";

interface Terms {
  readonly address: string;
  readonly nonce: bigint;
  readonly chainId: bigint;
}

/** Both authorize the same, and the signature is the account's over exactly these terms. */
async function expectAuthorized(pair: Pair, input: object, terms: Terms): Promise<Authorization> {
  // JavaScript passes more than the type allows: promises as address, strings as nonce.
  const request = input as AuthorizationRequest;
  const [actual, control] = [await pair.signer.authorize(request), await pair.wallet.authorize(request)];
  for (const { signature, ...rest } of [actual, control]) {
    expect(rest).toEqual(terms);
    expectCanonical(signature);
    expect(verifyAuthorization(terms, signature)).toBe(pair.wallet.address);
  }
  expect(hashAuthorization(actual)).toBe(hashAuthorization(control));
  expect(Object.keys(actual).sort()).toEqual(Object.keys(control).sort());
  return actual;
}

/** EIP-7702 authorizations. */
export function describeAuthorizations(context: Context): void {
  test.each<[string, object, Pick<Terms, "nonce" | "chainId">]>([
    ["numbers", { address: FRIEND, nonce: 5, chainId: 1 }, { nonce: 5n, chainId: 1n }],
    ["nonce 0", { address: FRIEND, nonce: 0, chainId: 31337 }, { nonce: 0n, chainId: 31337n }],
    ["chainId 0", { address: FRIEND, nonce: 1, chainId: 0 }, { nonce: 1n, chainId: 0n }],
    ["both 0", { address: FRIEND, nonce: 0, chainId: 0 }, { nonce: 0n, chainId: 0n }],
    ["both 0n", { address: FRIEND, nonce: 0n, chainId: 0n }, { nonce: 0n, chainId: 0n }],
    ["both 0 as hex", { address: FRIEND, nonce: "0x0", chainId: "0x00" }, { nonce: 0n, chainId: 0n }],
    ["strings", { address: FRIEND, nonce: "12", chainId: "0x7a69" }, { nonce: 12n, chainId: 31337n }],
    [
      "the largest nonce",
      { address: FRIEND, nonce: 2n ** 64n - 1n, chainId: 1n },
      { nonce: 2n ** 64n - 1n, chainId: 1n },
    ],
  ])("%s", async (_name, request, terms) => {
    await expectAuthorized(context().offline, request, { address: FRIEND, ...terms });
  });

  test("the signed terms are these and no others", async () => {
    const { offline, address } = context();
    const { signature } = await offline.signer.authorize({ address: FRIEND, nonce: 0, chainId: 0 });
    expect(verifyAuthorization({ address: FRIEND, nonce: 0n, chainId: 0n }, signature)).toBe(address);
    expect(verifyAuthorization({ address: FRIEND, nonce: 0n, chainId: 1n }, signature)).not.toBe(address);
    expect(verifyAuthorization({ address: FRIEND, nonce: 1n, chainId: 0n }, signature)).not.toBe(address);
  });

  test("an address in lower case comes back with its checksum", async () => {
    const terms = { address: FRIEND, nonce: 1n, chainId: 1n };
    await expectAuthorized(context().offline, { ...terms, address: FRIEND.toLowerCase() }, terms);
  });

  test("the zero address revokes", async () => {
    const terms = { address: ZeroAddress, nonce: 1n, chainId: 1n };
    await expectAuthorized(context().offline, terms, terms);
  });

  test("names, Addressables and promises resolve", async () => {
    const terms = { address: FRIEND, nonce: 1n, chainId: 1n };
    const targets = [NAMES.friend, { getAddress: async () => FRIEND }, Promise.resolve(FRIEND.toLowerCase())];
    for (const address of targets) await expectAuthorized(context().online, { ...terms, address }, terms);
  });

  test("absent and null terms come from the network", async () => {
    const { online, provider, address } = context();
    await (await online.wallet.sendTransaction({ to: FRIEND })).wait();
    const nonce = BigInt(await provider.getTransactionCount(address));
    expect(nonce).toBeGreaterThan(0n);
    const terms = { address: FRIEND, nonce, chainId: 31337n };
    await expectAuthorized(online, { address: FRIEND }, terms);
    await expectAuthorized(online, { address: FRIEND, nonce: null, chainId: null }, terms);
    await expectAuthorized(online, { address: FRIEND, nonce: 0, chainId: 0 }, { ...terms, nonce: 0n, chainId: 0n });
  });

  test("populateAuthorization fills in what is null and keeps 0", async () => {
    const { signer, wallet } = context().online;
    const empty = { address: FRIEND };
    expect(await signer.populateAuthorization(empty)).toEqual(await wallet.populateAuthorization(empty));
    const zeros = { address: FRIEND, nonce: 0, chainId: 0 };
    for (const each of [signer, wallet]) expect(await each.populateAuthorization(zeros)).toEqual(zeros);
  });

  test("frozen input is accepted and unknown properties are dropped", async () => {
    const terms = { address: FRIEND, nonce: 1n, chainId: 1n };
    await expectAuthorized(context().offline, Object.freeze({ ...terms, memo: "dropped" }), terms);
  });

  const authorize = (request: unknown) => (signer: Signer) => signer.authorize(request as AuthorizationRequest);

  test.each<[string, AuthorizationRequest, string]>([
    ["the chainId", { address: FRIEND, nonce: 1 }, "getNetwork"],
    ["the nonce", { address: FRIEND, chainId: 1 }, "getTransactionCount"],
    ["a name", { address: NAMES.friend, nonce: 1, chainId: 1 }, "resolveName"],
  ])("%s needs a provider", async (_name, request, operation) => {
    const expected = { code: "UNSUPPORTED_OPERATION", shortMessage: "missing provider", operation };
    await expectSameFailure(context().offline, authorize(request), expected);
  });

  test("what is no address is refused", async () => {
    const { offline, online } = context();
    const terms = { nonce: 1, chainId: 1 };
    const unsupported = { code: "INVALID_ARGUMENT", shortMessage: "unsupported addressable value" };
    for (const address of [null, undefined, 5]) {
      await expectSameFailure(offline, authorize({ ...terms, address }), unsupported);
    }
    await expectSameFailure(online, authorize({ ...terms, address: NAMES.unknown }), { code: "UNCONFIGURED_NAME" });
    const misspelt = { ...terms, address: FRIEND.replace("f", "F") };
    await expectSameFailure(offline, authorize(misspelt), { shortMessage: "bad address checksum" });
  });

  test("what is not a number is refused", async () => {
    const { offline } = context();
    const terms = { address: FRIEND, nonce: 1, chainId: 1 };
    await expectSameFailure(offline, authorize({ ...terms, nonce: -1 }), { code: "NUMERIC_FAULT" });
    await expectSameFailure(offline, authorize({ ...terms, chainId: "x" }), { code: "INVALID_ARGUMENT" });
    await expectSameFailure(offline, authorize(undefined), { name: "TypeError" });
  });
}
