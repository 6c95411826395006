import { afterAll, describe, test } from "@jest/globals";
import { id } from "ethers";
import { remoteKeyContract } from "ethers-hsm/testing";
import { GcpKmsKey, GcpKmsSigner } from "../../src/gcp-kms/index.ts";
import { RING, startServer, TRANSPORTS, VERSION, wayTo } from "../gcp-kms/setup.ts";
import { describeSignerContract } from "./suite.ts";

describeSignerContract("GcpKmsSigner over a server of Cloud KMS's protocol", async () => {
  const server = await startServer();
  const signers: GcpKmsSigner[] = [];
  return {
    async create(privateKey, provider) {
      const key = `${RING}/cryptoKeys/key-${id(privateKey).slice(2, 10)}`;
      if (!server.rings.keys.has(key)) server.rings.add(key, { privateKey });
      const signer = new GcpKmsSigner({ ...wayTo(server), keyVersion: `${key}/cryptoKeyVersions/1` }, provider);
      signers.push(signer);
      return signer;
    },
    async close() {
      await Promise.all(signers.map((signer) => signer.close()));
      await server.close();
    },
  };
});

describe.each(TRANSPORTS)("GcpKmsKey by %s", (transport) => {
  const cleanup: (() => Promise<unknown>)[] = [];

  afterAll(async () => {
    for (const each of cleanup) await each();
  });

  const create = async () => {
    const server = await startServer({ grpc: transport === "gRPC client" });
    const way = wayTo(server, transport);
    cleanup.push(() => server.close());
    return new GcpKmsKey({ ...way, keyVersion: VERSION });
  };
  for (const { name, run } of remoteKeyContract(create)) test(name, run);
});
