import { Agent } from "node:http";
import type { LookupFunction } from "node:net";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { id } from "ethers";
import { isSignerError, type RemoteSigner } from "ethers-hsm";
import { load } from "../pkcs11/faults/load.ts";
import { type Cloud, startAwsKms, startKeyVault } from "./clouds.ts";
import { NameServer } from "./name-server.ts";

// A few seconds, unless the machine has much else to do.
jest.setTimeout(180_000);

const CALLERS = 30;
const PATIENCE = 60_000;
const HOST = "vault.invalid";

let cloud: Cloud;
let names: NameServer;

/** No connection is kept, so that every request has to find the name. */
const agent = (lookup: LookupFunction) => new Agent({ keepAlive: false, lookup });
const named = (url: string) => url.replace("127.0.0.1", HOST);

const SERVICES = [
  [
    "AWS KMS",
    async (lookup: LookupFunction): Promise<RemoteSigner> => {
      const kms = await startAwsKms();
      cloud = kms;
      return kms.open({ endpoint: named(kms.server.url), requestHandler: { httpAgent: agent(lookup) } });
    },
  ],
  [
    "Azure Key Vault",
    async (lookup: LookupFunction): Promise<RemoteSigner> => {
      const vault = await startKeyVault();
      cloud = vault;
      return vault.open({ vaultUrl: named(vault.server.url), agent: agent(lookup) });
    },
  ],
] as const;

beforeEach(async () => {
  names = await NameServer.start();
});
afterEach(async () => {
  await cloud.server.kill();
  await names.close();
});

describe.each(SERVICES)("%s", (_, open) => {
  test.each(["fails", "knows no such name", "refuses", "is silent"] as const)(
    "a name server that %s for a while costs calls, which may be repeated, and nothing after it",
    async (mood) => {
      const signer = await open(names.lookup);
      await signer.getAddress();
      const moods = async () => {
        names.mood = mood;
        await setTimeout(1_000);
      };
      const during = await load([signer], { callers: CALLERS, over: moods(), patienceMs: PATIENCE });
      expect(during).toMatchObject({ wrong: 0, unsettled: 0 });
      const error = await signer.signDigest(id("meanwhile")).catch((thrown: unknown) => thrown);
      expect(isSignerError(error)).toBe(true);
      expect(error).toMatchObject({ retryable: true, message: expect.stringMatching(/DNS|name/) });
      expect(Object.keys(during.failures)).toEqual(["BACKEND_UNAVAILABLE"]);

      names.mood = "answers";
      const after = await load([signer], { callers: CALLERS, calls: 100, patienceMs: PATIENCE });
      expect(after.messages).toEqual({});
      expect(after).toMatchObject({ ok: 100, wrong: 0, unsettled: 0 });
      await signer.close();
    },
  );

  test.each(["EAI_AGAIN", "ENOTFOUND", "EAI_FAIL"])("the system's resolver says %s", async (code) => {
    // As node:dns has it of getaddrinfo; no query leaves this machine.
    let isDown = true;
    const lookup: LookupFunction = (hostname, options, callback) => {
      if (!isDown) return names.lookup(hostname, options, callback);
      const failure = Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code, syscall: "getaddrinfo" });
      process.nextTick(() => callback(failure, "", 4));
    };
    const signer = await open(lookup);
    const error = await signer.signDigest(id("meanwhile")).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "BACKEND_UNAVAILABLE", retryable: true });
    isDown = false;
    const after = await load([signer], { callers: CALLERS, calls: 50, patienceMs: PATIENCE });
    expect(after.messages).toEqual({});
    expect(after).toMatchObject({ ok: 50, wrong: 0, unsettled: 0 });
    await signer.close();
  });
});
