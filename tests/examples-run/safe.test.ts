import { expect, test } from "@jest/globals";
import { dataSlice, getBytes, id, recoverAddress, TypedDataEncoder, verifyMessage, Wallet } from "ethers";
import {
  joinSignatures,
  SAFE_TX_TYPES,
  safeCall,
  safeDomain,
  safeTransactionHash,
  signSafeTransaction,
  signSafeTransactionAsMessage,
} from "../../examples/safe/safe.ts";

const SAFE = "0x41675C099F32341bf84BFc5382aF534df5C7461a";
const TRANSACTION = safeCall("0x000000000000000000000000000000000000dEaD", 5n, "0x1234", 7n);
const DOMAIN = safeDomain(SAFE, 31337n);
const HASH = safeTransactionHash(DOMAIN, TRANSACTION);
const owner = new Wallet(id("an owner of a Safe"));

// The constants of the published contracts: Safe.sol, version 1.4.1.
test("the types are a Safe's", () => {
  const encoder = TypedDataEncoder.from(SAFE_TX_TYPES);
  expect(id(encoder.encodeType("SafeTx"))).toBe("0xbb8310d486368db6bd6f849402fdd73ad53d316b5a4b2644ad6efe0f941286d8");
  const domain = {
    EIP712Domain: [
      { name: "chainId", type: "uint256" },
      { name: "verifyingContract", type: "address" },
    ],
  };
  expect(id(TypedDataEncoder.from(domain).encodeType("EIP712Domain"))).toBe(
    "0x47e79534a245952e8b16893a336b85a3d9ea9fa8c573f3d803afb92a79469218",
  );
  const hash = TypedDataEncoder.from(domain).hashStruct("EIP712Domain", DOMAIN);
  expect(TypedDataEncoder.hashDomain(DOMAIN)).toBe(hash);
});

test("by EIP-712 v is 27 or 28, and the hash itself is signed", async () => {
  const { signature } = await signSafeTransaction(owner, DOMAIN, TRANSACTION);
  expect([27, 28]).toContain(Number(dataSlice(signature, 64)));
  expect(recoverAddress(HASH, signature)).toBe(owner.address);
});

test("as a message v is 31 or 32, and the hash is signed with EIP-191's prefix", async () => {
  const { signature } = await signSafeTransactionAsMessage(owner, DOMAIN, TRANSACTION);
  const bytes = getBytes(signature);
  expect([31, 32]).toContain(bytes[64]);
  bytes[64] = (bytes[64] ?? 0) - 4;
  const { r, s, v } = { r: dataSlice(bytes, 0, 32), s: dataSlice(bytes, 32, 64), v: bytes[64] };
  expect(verifyMessage(getBytes(HASH), { r, s, v })).toBe(owner.address);
});

test("signatures are joined by their owners' addresses as numbers", () => {
  const [low, high] = [`0x${"0a".repeat(20)}`, `0x${"B0".repeat(20)}`];
  const [one, two] = [`0x${"11".repeat(65)}`, `0x${"22".repeat(65)}`];
  const joined = joinSignatures([
    { owner: high, signature: one },
    { owner: low, signature: two },
  ]);
  expect(joined).toBe(`${two}${one.slice(2)}`);
});
