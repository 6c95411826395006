import { describe, expect, test } from "@jest/globals";
import { makeError } from "ethers";
import { SignerError, type SignerErrorCode } from "../../src/core/errors.ts";
import { until } from "../support/until.ts";
import { DIGEST, failover } from "./failover-support.ts";

describe("a failover", () => {
  test("asks nobody else after an error whose code it does not know, as one of a later version", async () => {
    const { replicas, key } = failover(["a", "b"]);
    const [a, b] = replicas;
    await key.getPublicKey();
    const refused = new SignerError("REFUSED_BY_A_PERSON" as SignerErrorCode, "no");
    a.break(refused);
    await expect(key.signDigest(DIGEST)).rejects.toBe(refused);
    expect(b.asked).toHaveLength(0);
    await key.close();
  });

  test("takes no harm of a fallback that finds fault with the request for its public key", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", note);
    const { replicas, key } = failover(["a", "b"]);
    const [, b] = replicas;
    b.break(makeError("not so", "INVALID_ARGUMENT", { argument: "options", value: "" }));
    await key.signDigest(DIGEST);
    await until(() => b.fetches === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(unhandled).toEqual([]);
    process.off("unhandledRejection", note);
    await key.close();
  });
});
