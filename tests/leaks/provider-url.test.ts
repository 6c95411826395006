import { afterAll, expect, test } from "@jest/globals";
import { FetchRequest, id, JsonRpcProvider } from "ethers";
import { createProvider } from "../../src/eip1193/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { LoopbackServer } from "../servers/support/loopback-server.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { expectNoLeak } from "./outcomes.ts";
import { leaksIn, type Planted } from "./planted.ts";
import { Recorder } from "./recorder.ts";

const secrets: readonly Planted[] = [
  { name: "key of the service", value: "planted-project-key" },
  { name: "password", value: "planted-rpc-password" },
];
const recorder = new Recorder();

afterAll(() => {
  recorder.stop();
  expect(leaksIn(recorder.text, secrets)).toEqual([]);
});

const TRANSACTION = { to: "0x8ba1f109551bD432803012645Ac136ddd64DBA72", value: "0x1" };
const METHODS: [string, (from: string) => unknown[]][] = [
  ["eth_chainId", () => []],
  ["eth_blockNumber", () => []],
  ["eth_sendTransaction", (from) => [{ from, ...TRANSACTION }]],
  ["eth_sendRawTransaction", () => ["0x00"]],
];

test.each([
  ["a refused connection", undefined],
  ["an error of the service", { status: 403, body: "forbidden" }],
  [
    "an error of the service in JSON",
    { status: 401, body: '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no"}}' },
  ],
  ["no JSON", { status: 200, body: "<html>" }],
])("EIP-1193 over %s shows neither the URL nor the password", async (_name, reply) => {
  const server = await LoopbackServer.start(async () => reply ?? "reset");
  const { port } = new URL(server.url);
  const request = new FetchRequest(`http://127.0.0.1:${port}/v3/planted-project-key`);
  request.setCredentials("user", "planted-rpc-password");
  request.allowInsecureAuthentication = true;
  request.timeout = 2_000;
  const upstream = new JsonRpcProvider(request, 1, { staticNetwork: true, batchMaxCount: 1 });
  const signer = new RemoteSigner(new MemoryKey(id("provider url")), upstream);
  const provider = createProvider({ accounts: [signer], provider: upstream });
  const from = await signer.getAddress();
  const outcomes: unknown[] = [provider, signer];
  for (const [method, params] of METHODS) {
    outcomes.push(await provider.request({ method, params: params(from) }).catch((error: unknown) => error));
  }
  expectNoLeak(outcomes, secrets);
  upstream.destroy();
  await server.close();
});
