import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { id } from "ethers";
import { isSignerError, type SignerError } from "../../src/index.ts";
import { selfSignedCertificate } from "../servers/azure-key-vault/certificate.ts";
import { LoopbackServer, type Stream } from "../servers/support/loopback-server.ts";
import { quickly, stopTime } from "../support/stopped-time.ts";
import { CLOUDS, type Cloud } from "./clouds.ts";

const DIGEST = id("a digest");
const json = { "content-type": "application/json" };
const page = { "content-type": "text/html" };
const INVALID = "BACKEND_RESPONSE_INVALID";
const UNAVAILABLE = "BACKEND_UNAVAILABLE";

const written =
  (content: string | Buffer): Stream =>
  ({ socket }) =>
    void socket?.end(content);
const answered =
  (status: number, headers: Record<string, string>, body: string | Buffer = ""): Stream =>
  (response) =>
    void response.writeHead(status, headers).end(body);
const cutOff =
  (status: number, end: "end" | "resetAndDestroy"): Stream =>
  (response) => {
    response.writeHead(status, { ...json, "content-length": 100 });
    response.write("{", () => response.socket?.[end]());
  };

type Row = readonly [name: string, stream: Stream, code: string, retryable: boolean];

/** What comes from something on the way, with its status. */
const FOREIGN: readonly Row[] = [
  ["204", answered(204, {}), INVALID, false],
  ["a redirect elsewhere", answered(307, { location: "http://127.0.0.1:9/" }), INVALID, false],
  ["a redirect in place", answered(302, { location: "/elsewhere" }), INVALID, false],
  ["a page that asks to log in", answered(401, { ...page, "www-authenticate": "Basic realm=x" }), INVALID, false],
  ["401 with other JSON", answered(401, json, '{"error":"login"}'), INVALID, false],
  ["a filter's JSON", answered(403, json, '{"message":"Forbidden"}'), INVALID, false],
  [
    "an error of other types",
    answered(403, json, '{"error":{"code":{},"message":[],"status":5},"__type":{}}'),
    INVALID,
    false,
  ],
  ["an error that is null", answered(403, json, '{"error":null,"__type":null}'), INVALID, false],
  ["an error that is a text", answered(400, json, '{"error":"x","__type":""}'), INVALID, false],
  ["an error that is a list", answered(403, json, "[]"), INVALID, false],
  ["an error that is a compressed bomb", answered(403, bombHeaders(), gzipSync(Buffer.alloc(2 ** 23))), INVALID, false],
  ["408", answered(408, page, "<html>"), UNAVAILABLE, true],
  ["429", answered(429, page, "<html>"), "THROTTLED", true],
  ["502", answered(502, page, "<html>"), UNAVAILABLE, true],
  ["511", answered(511, page, "<html>"), UNAVAILABLE, true],
];

/** What is not a response. */
const BROKEN: readonly (readonly [...Row, message: RegExp])[] = [
  ["no byte", written(""), UNAVAILABLE, true, /was closed before a response/],
  ["a body that is reset", cutOff(200, "resetAndDestroy"), UNAVAILABLE, true, /was closed before a response/],
  ["an error's body that is reset", cutOff(403, "resetAndDestroy"), UNAVAILABLE, true, /was closed before a response/],
  ["an outage's body that ends early", cutOff(500, "end"), UNAVAILABLE, true, /was closed before a response/],
  ["HTTP/0.9", written("{}"), UNAVAILABLE, false, /not one of HTTP/],
  ["a TLS alert", written(Buffer.from([21, 3, 3, 0, 2, 2, 40])), UNAVAILABLE, false, /not one of HTTP/],
  [
    "a header without a colon",
    written("HTTP/1.1 200 OK\r\nno header\r\n\r\n{}"),
    UNAVAILABLE,
    false,
    /not one of HTTP/,
  ],
  ["a header with a zero", written("HTTP/1.1 200 OK\r\nx: \0\r\n\r\n{}"), UNAVAILABLE, false, /not one of HTTP/],
  [
    "two lengths",
    written("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    ...([UNAVAILABLE, false, /not one of HTTP/] as const),
  ],
];

/** Complete JSON with status 200 that is not the service's. */
const BODIES = [
  '{"Signature":"AA==","Signature":"BB==","value":"AA","value":"BB","signature":"AA==","signature":"BB=="}',
  '{"__proto__":{"Signature":"AA==","value":"AA","signature":"AA=="},"constructor":1}',
  '{"KeyId":1,"Signature":1,"kid":1,"value":1,"name":1,"signature":1}',
  '{"KeyId":{},"Signature":{},"kid":{},"value":{},"name":{},"signature":{}}',
];

function bombHeaders(): Record<string, string> {
  return { ...json, "content-encoding": "gzip" };
}

describe.each(CLOUDS)("%s", (_name, start) => {
  let cloud: Cloud;

  beforeAll(async () => {
    cloud = await start();
  });

  afterEach(() => cloud.heal());

  afterAll(() => cloud.close());

  stopTime();

  async function failureOf(call: Promise<unknown>): Promise<SignerError> {
    const error = await quickly(
      call.catch((thrown: unknown) => thrown),
      100,
    );
    if (!isSignerError(error)) throw error ?? new Error("should have failed");
    expect(error.message).not.toMatch(/grant |undefined|<html>/);
    return error;
  }

  async function signingFails(stream: Stream): Promise<SignerError> {
    const signer = cloud.signer({ once: true });
    await signer.getAddress();
    cloud.fail("sign", { stream });
    const error = await failureOf(signer.signDigest(DIGEST));
    await signer.close();
    return error;
  }

  test.each(FOREIGN)("%s: who answered is not the service", async (_case, stream, code, retryable) => {
    const error = await signingFails(stream);
    expect(error).toMatchObject({ code, retryable, operation: "signDigest" });
    const source = error.info?.["source"];
    expect([undefined, `what answers in the place of ${cloud.service}`]).toContain(source);
    expect(error.message).not.toMatch(/quota|internal error|limit is reached|health/);
  });

  test.each(BROKEN)("%s", async (_case, stream, code, retryable, message) => {
    const error = await signingFails(stream);
    expect(error).toMatchObject({ code, retryable, info: { source: cloud.service } });
    expect(error.message).toMatch(message);
  });

  test.each(BODIES)("a success with %s", async (body) => {
    expect(await signingFails(answered(200, json, body))).toMatchObject({ code: INVALID, retryable: false });
  });

  test.each([
    ["a closed port", "http://127.0.0.1:9", true, /cannot be reached/],
    ["a name that does not exist", "https://treasury.invalid", true, /the name of .* is not found/],
  ])("%s", async (_case, endpoint, retryable, message) => {
    const signer = cloud.signer({ once: true, endpoint });
    const error = await failureOf(signer.getAddress());
    expect(error).toMatchObject({ code: UNAVAILABLE, retryable, operation: "getPublicKey" });
    expect(error.message).toMatch(message);
    await signer.close();
  });

  test("a port without TLS; and a certificate that is not trusted", async () => {
    const plain = await LoopbackServer.start(async () => ({ status: 200 }));
    const tls = await LoopbackServer.start(async () => ({ status: 200 }), { tls: selfSignedCertificate() });
    try {
      for (const [endpoint, message] of [
        [plain.url.replace("http:", "https:"), /does not speak TLS/],
        [tls.url, /the TLS certificate of .* is not by a trusted issuer/],
      ] as const) {
        const signer = cloud.signer({ once: true, endpoint });
        const error = await failureOf(signer.getAddress());
        expect(error).toMatchObject({ code: UNAVAILABLE, retryable: false });
        expect(error.message).toMatch(message);
        await signer.close();
      }
    } finally {
      await Promise.all([plain.close(), tls.close()]);
    }
  });
});
