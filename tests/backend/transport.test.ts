import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { transportMapping } from "../../src/backend/transport.ts";
import { selfSignedCertificate } from "../servers/azure-key-vault/certificate.ts";
import { LoopbackServer } from "../servers/support/loopback-server.ts";

const TARGET = "https://vault.example";

const mapping = (platformCode: string | undefined, text = "", name = "Error") =>
  transportMapping({ source: "a service", name, text, platformCode }, TARGET);

describe("connections, by the platform's code: one rule for all backends", () => {
  test.each([
    ["ENOTFOUND", "BACKEND_UNAVAILABLE", /is not found; check it, and DNS/],
    ["EAI_AGAIN", "BACKEND_UNAVAILABLE", /DNS/],
    ["ECONNREFUSED", "BACKEND_UNAVAILABLE", /cannot be reached/],
    ["EHOSTUNREACH", "BACKEND_UNAVAILABLE", /cannot be reached/],
    ["ECONNRESET", "BACKEND_UNAVAILABLE", /closed before a response/],
    ["EPIPE", "BACKEND_UNAVAILABLE", /closed before a response/],
    ["ETIMEDOUT", "BACKEND_TIMEOUT", /did not respond in time/],
    ["ESOCKETTIMEDOUT", "BACKEND_TIMEOUT", /did not respond in time/],
  ])("%s is %s", (platformCode, code, hint) => {
    expect(mapping(platformCode)).toMatchObject({ code, hint: expect.stringMatching(hint) });
    // Of an error of another realm SDKs keep the text alone.
    expect(mapping(undefined, `connect ${platformCode} 127.0.0.1:443`)).toMatchObject({ code });
  });

  test.each([
    ["a browser's fetch", "TypeError", "Failed to fetch", "BACKEND_UNAVAILABLE"],
    ["an SDK's own limit", "TimeoutError", "no response", "BACKEND_TIMEOUT"],
    ["a connection that hung up", "Error", "socket hang up", "BACKEND_UNAVAILABLE"],
  ])("%s", (_name, name, text, code) => {
    expect(mapping(undefined, text, name)).toMatchObject({ code });
  });

  test("what is not of a connection is not this table's", () => {
    for (const [name, text] of [
      ["RangeError", "a bug"],
      ["TypeError", "x is not a function"],
    ] as const) {
      expect(mapping(undefined, text, name)).toBeUndefined();
    }
  });
});

describe("TLS, by what Node says of real servers: three causes, three hints", () => {
  let trusted: LoopbackServer;
  let plain: ReturnType<typeof createServer>;
  const tls = selfSignedCertificate();

  beforeAll(async () => {
    trusted = await LoopbackServer.start(async () => ({ status: 200 }), { tls });
    plain = createServer((_request, response) => response.end()).listen(0, "127.0.0.1");
  });

  afterAll(async () => {
    plain.close();
    await trusted.close();
  });

  async function failureOf(url: string): Promise<{ code?: string; message: string }> {
    const { request } = await import("node:https");
    return new Promise((resolve, reject) => {
      request(url, { agent: false }, () => reject(new Error("connected")))
        .on("error", resolve)
        .end();
    });
  }

  const hintFor = async (url: string) => {
    const { code, message } = await failureOf(url);
    return mapping(code, message);
  };

  test("an issuer that is not trusted", async () => {
    const expected = { retryable: false, hint: expect.stringMatching(/not by a trusted issuer.*NODE_EXTRA_CA_CERTS/) };
    expect(await hintFor(trusted.url)).toMatchObject(expected);
  });

  test("a port without TLS", async () => {
    const url = `https://127.0.0.1:${(plain.address() as AddressInfo).port}`;
    expect(await hintFor(url)).toMatchObject({ retryable: false, hint: expect.stringMatching(/does not speak TLS/) });
  });

  test.each([
    ["another name", "ERR_TLS_CERT_ALTNAME_INVALID", /is for another name/],
    ["expired", "CERT_HAS_EXPIRED", /expired or is not valid yet.*clock/],
    ["not valid yet", "CERT_NOT_YET_VALID", /expired or is not valid yet/],
    ["an unknown failure of TLS", "EPROTO", /no TLS connection/],
  ])("%s", (_name, code, hint) => {
    const found = mapping(code);
    expect(found).toMatchObject({ code: "BACKEND_UNAVAILABLE", retryable: false, hint: expect.stringMatching(hint) });
    expect(found?.hint).not.toMatch(/NODE_EXTRA_CA_CERTS/);
  });
});
