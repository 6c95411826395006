import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { id } from "ethers";
import { signerError } from "../../signer/rejection.ts";
import { QuorumSetup } from "./setup.ts";

// A prompt without an answer before it: what the CLI says on stderr is waited for, for two seconds.

let setup: QuorumSetup;
beforeEach(() => {
  setup = new QuorumSetup();
});
afterEach(async () => {
  await setup.end();
});

const SIGN = "crypto sign ecdsa";

describe("nothing is signed twice", () => {
  it.each([
    ["answers without JSON", { action: "text", text: "Segmentation fault\n" }, 1],
    ["refuses the options", { action: "usage" }, 0],
  ] as const)("when the process %s", async (_name, fault, signatures) => {
    const signer = setup.signer();
    await signer.getAddress();
    setup.cluster.fail({ at: SIGN, ...fault });
    const error = await signerError(signer.signDigest(id("once")), "BACKEND_UNAVAILABLE");
    expect(error).toMatchObject({ retryable: false, info: { reason: "outcome-unknown" } });
    expect(error.message).toContain("it is unknown whether the HSM signed this digest");
    expect(setup.requests).toHaveLength(1);
    expect(setup.cluster.count(SIGN)).toBe(1);
    expect(setup.cluster.signatures).toBe(signatures);

    await signer.signDigest(id("once"));
    expect(setup.requests).toHaveLength(2);
    expect(setup.cluster.state.pids).toHaveLength(2);
  });

  it("by a CLI that is too old to sign digests: it says so", async () => {
    setup.cluster.style({ noDigestType: true });
    const error = await signerError(setup.signer().signDigest(id("x")), "BACKEND_UNAVAILABLE");
    expect(error.message).toContain("unexpected argument '--data-type' found");
    expect(setup.cluster.signatures).toBe(0);
  });
});

it("an answer that is not JSON: what the CLI's parser said is told", async () => {
  setup.cluster.fail({ at: "key list", action: "usage" });
  const error = await signerError(setup.signer().getAddress(), "BACKEND_RESPONSE_INVALID");
  expect(error.message).toContain("error: unexpected argument found");
});
