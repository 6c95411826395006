import { expect, test } from "@jest/globals";
import { type AuthorizationRequest, verifyAuthorization } from "ethers";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { MemoryKey } from "../support/memory-key.ts";

/** Leaves an authorization as its caller made it. */
class PlainSigner extends RemoteSigner {
  override async populateAuthorization(request: AuthorizationRequest): Promise<AuthorizationRequest> {
    return request;
  }
}

test("an authorization that was not filled in is signed as ethers hashes it: nonce 0, on every chain", async () => {
  const signer = new PlainSigner(new MemoryKey(`0x${"11".repeat(32)}`));
  const authorization = await signer.authorize({ address: `0x${"22".repeat(20)}` });
  expect(authorization).toMatchObject({ nonce: 0n, chainId: 0n });
  expect(verifyAuthorization(authorization, authorization.signature)).toBe(await signer.getAddress());
});
