import { EAS, NO_EXPIRATION, SchemaEncoder, SchemaRegistry, ZERO_BYTES32 } from "@ethereum-attestation-service/eas-sdk";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Fixture, FRIEND, startFixture, wallet } from "../eip1193/support.ts";
import { deploy } from "./deploy.ts";

const CONTRACTS = "@ethereum-attestation-service/eas-contracts/artifacts/contracts";
const SCHEMA = "uint256 invoice, bool paid";

let fixture: Fixture;
let eas: EAS;
let schema: string;
let data: string;

beforeAll(async () => {
  fixture = await startFixture();
  const signer = fixture.signer.connect(fixture.chain);
  const registry = await deploy(signer, `${CONTRACTS}/SchemaRegistry.sol/SchemaRegistry.json`);
  eas = new EAS(await deploy(signer, `${CONTRACTS}/EAS.sol/EAS.json`, registry)).connect(signer);
  const registration = await new SchemaRegistry(registry).connect(signer).register({ schema: SCHEMA });
  schema = await registration.wait();
  data = new SchemaEncoder(SCHEMA).encodeData([
    { name: "invoice", value: 7n, type: "uint256" },
    { name: "paid", value: true, type: "bool" },
  ]);
});

afterAll(() => fixture.anvil.stop());

test("an attestation on the chain", async () => {
  const sent = await eas.attest({ schema, data: { recipient: FRIEND, data } });
  const attestation = await eas.getAttestation(await sent.wait());
  expect([attestation.attester, attestation.data]).toEqual([wallet.address, data]);
});

test("an attestation off the chain, and a delegated one", async () => {
  const signer = fixture.signer.connect(fixture.chain);
  const common = { recipient: FRIEND, expirationTime: NO_EXPIRATION, revocable: true, refUID: ZERO_BYTES32, data };
  const offchain = await eas.getOffchain();
  const attestation = await offchain.signOffchainAttestation({ ...common, schema, time: 1_700_000_000n }, signer);
  expect(offchain.verifyOffchainAttestationSignature(wallet.address, attestation)).toBe(true);

  const delegated = await eas.getDelegated();
  const request = { ...common, schema, nonce: await eas.getNonce(wallet.address), deadline: 0n, value: 0n };
  const { signature } = await delegated.signDelegatedAttestation(request, signer);
  const relayed = await eas.attestByDelegation({
    ...{ schema, data: common, signature, attester: wallet.address },
    deadline: 0n,
  });
  expect((await eas.getAttestation(await relayed.wait())).attester).toBe(wallet.address);
});
