import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { OAuth2Client } from "google-auth-library";
import { GcpKmsKey, GcpKmsKeyStore, GcpKmsSigner } from "../../src/gcp-kms/index.ts";
import type { GcpKmsFault } from "../servers/gcp-kms/faults.ts";
import type { GcpKmsServer } from "../servers/gcp-kms/server.ts";
import { hangFor, quickly, stopTime } from "../support/stopped-time.ts";
import { LOCATION, optionsFor, signerFor, startServer, TOKEN, TRANSPORTS, VERSION, wayTo } from "./setup.ts";

const REFRESH = "1//a-refresh-token-that-no-log-may-show";
const CLIENT_SECRET = "a-client-secret-that-no-log-may-show";
const PLANTED = [TOKEN, REFRESH, CLIENT_SECRET];

/** `fetch` is one of the clouds in `tests/backends/secrets.test.ts`. */
const CLIENTS = TRANSPORTS.filter((transport) => transport !== "fetch");

/** Everything that a log could make of it. */
function shownForms(value: unknown): string {
  const deep = inspect(value, { depth: Infinity, showHidden: true, getters: true, maxStringLength: null });
  const { stack = "", cause } = value as { stack?: string; cause?: { stack?: string } };
  return [deep, inspect(value), JSON.stringify(value), String(value), stack, String(cause), cause?.stack].join("\n");
}

function expectNothingShown(value: unknown): void {
  const shown = shownForms(value);
  for (const secret of PLANTED) expect(shown).not.toContain(secret);
}

let server: GcpKmsServer;
beforeAll(async () => {
  server = await startServer({ grpc: true });
});
beforeEach(() => server.faults.clear());
afterAll(async () => {
  await server.close();
});

test.each(CLIENTS)(
  "by %s: signers, keys and stores show nothing, before, during and after a call",
  async (transport) => {
    const way = wayTo(server, transport);
    const signer = signerFor(server, way);
    expectNothingShown(signer);
    const signing = signer.signMessage("x");
    expectNothingShown(signer);
    await signing;
    expectNothingShown(signer);
    expectNothingShown(signer.connect(null));
    expectNothingShown(new GcpKmsKey(optionsFor(server, way)));
    expectNothingShown(new GcpKmsKeyStore({ ...way, parent: LOCATION }));
    expect(inspect(signer)).toContain("GcpKmsSigner");
  },
);

describe.each(CLIENTS)("by %s: errors", (transport) => {
  stopTime();

  test.each<[string, GcpKmsFault]>([
    [
      "a refusal that repeats the token",
      { kind: "error", status: "PERMISSION_DENIED", message: `no: Bearer ${TOKEN}` },
    ],
    ["a refusal that repeats the token alone", { kind: "error", status: "PERMISSION_DENIED", message: `no: ${TOKEN}` }],
    ["an outage", { kind: "error", status: "UNAVAILABLE" }],
    ["throttling", { kind: "throttle" }],
    ["a reset", "reset"],
    ["a hang", "hang"],
    ["a wrong name", { kind: "sign", change: { fields: { name: "x" } } }],
  ])("of %s show nothing", async (_name, fault) => {
    const signer = signerFor(server, wayTo(server, transport));
    await signer.getAddress();
    server.faults.add(fault, { operation: "asymmetricSign" });
    const before = server.count("asymmetricSign");
    const sign = () => signer.signMessage("x").catch((error: unknown) => error);
    const isHanging = () => server.count("asymmetricSign") > before;
    const failure: unknown = await (fault === "hang" ? hangFor(60_000, isHanging, sign) : quickly(sign()));
    expect(failure).toMatchObject({ name: "SignerError" });
    expectNothingShown(failure);
  });
});

test("errors of credentials show nothing that they carry", async () => {
  const auth = new OAuth2Client({
    clientId: "c",
    clientSecret: CLIENT_SECRET,
    endpoints: { oauth2TokenUrl: `${server.url}/token` },
  });
  auth.setCredentials({ refresh_token: REFRESH });
  const failure: unknown = await new GcpKmsSigner({ keyVersion: VERSION, auth, endpoint: server.url })
    .getAddress()
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "ACCESS_DENIED" });
  expectNothingShown(failure);
});
