import { describe, expect, test } from "@jest/globals";
import { boundedCredential, retryWhen } from "../../src/azure-key-vault/credential.ts";
import { StaticCredential, TOKEN } from "./setup.ts";

const SCOPES = ["https://vault.azure.net/.default"];

/** A credential whose service can be switched off. */
class Switchable extends StaticCredential {
  down = false;

  override async getToken(...parameters: Parameters<StaticCredential["getToken"]>) {
    if (this.down) throw new Error("the service is down");
    return super.getToken(...parameters);
  }
}

describe("a refresh that fails", () => {
  test("before the token expires gives the token that is still good: no caller waits for it who could be told", async () => {
    const credential = new Switchable();
    const bounded = boundedCredential(credential, 1_000);
    const first = await bounded.getToken(SCOPES, { tenantId: "t" });
    credential.down = true;
    expect(await bounded.getToken(SCOPES, { tenantId: "t" })).toBe(first);
    credential.down = false;
    expect(await bounded.getToken(SCOPES, { tenantId: "t" })).not.toBe(first);
  });

  test.each([
    ["after it expired", 0, { tenantId: "t" }],
    ["for another tenant", 60_000, { tenantId: "u" }],
    ["for more claims", 60_000, { tenantId: "t", claims: "{}" }],
  ])("%s is an error", async (_name, lifetime, options) => {
    const credential = new Switchable();
    credential.lifetime = lifetime;
    const bounded = boundedCredential(credential, 1_000);
    expect(await bounded.getToken(SCOPES, { tenantId: "t" })).toMatchObject({ token: TOKEN });
    credential.down = true;
    await expect(bounded.getToken(SCOPES, options)).rejects.toMatchObject({ code: "ACCESS_DENIED" });
  });
});

describe("the signal of the call that asks", () => {
  const hanging = { getToken: () => new Promise<never>(() => {}) };

  test("ends the request, which the others can tell from a refusal", async () => {
    const controller = new AbortController();
    const request = boundedCredential(hanging, 1_000).getToken(SCOPES, { abortSignal: controller.signal });
    controller.abort(new Error("of that call alone"));
    const failure: unknown = await request.catch((error: unknown) => error);
    expect(retryWhen(failure)).toBe("now");
    expect(failure).toMatchObject({ code: "BACKEND_UNAVAILABLE", retryable: true });
  });

  test("that is over already does not count", async () => {
    const bounded = boundedCredential(new StaticCredential(), 1_000);
    expect(await bounded.getToken(SCOPES, { abortSignal: AbortSignal.abort() })).toMatchObject({ token: TOKEN });
  });

  test("is not needed for the deadline", async () => {
    await expect(boundedCredential(hanging, 20).getToken(SCOPES)).rejects.toMatchObject({ code: "BACKEND_TIMEOUT" });
  });
});
