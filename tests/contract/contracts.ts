import { beforeAll, expect, test } from "@jest/globals";
import type { BaseContract, ContractTransactionResponse, EventLog, Signer } from "ethers";
import { type Contract, ContractFactory, getCreateAddress } from "ethers";
import { type CompiledContract, compile } from "../support/contracts/compile.ts";
import { expectSameFailure } from "./compare.ts";
import type { Context } from "./context.ts";
import { FRIEND, NAMES, OTHER_PRIVATE_KEY } from "./context.ts";

const SUPPLY = 1_000_000n;

/** ethers' `ContractFactory` and `Contract` with the signer as their runner. */
export function describeContracts(context: Context): void {
  let compiled: CompiledContract;
  let token: BaseContract;
  const as = (signer: Signer) => token.connect(signer) as Contract;
  const transfer = async (signer: Signer, to: string, value: bigint): Promise<ContractTransactionResponse> =>
    as(signer).getFunction("transfer")(to, value);

  beforeAll(async () => {
    compiled = await compile("token.sol", "Token");
    const { signer } = context().online;
    token = await new ContractFactory(compiled.abi, compiled.bytecode, signer).deploy(SUPPLY);
    await token.waitForDeployment();
  });

  test("a factory deploys as the account", async () => {
    const { address, online, provider } = context();
    const nonce = await online.signer.getNonce();
    const deployed = await new ContractFactory(compiled.abi, compiled.bytecode, online.signer).deploy(5n);
    expect(deployed.deploymentTransaction()?.from).toBe(address);
    await deployed.waitForDeployment();
    expect(await deployed.getAddress()).toBe(getCreateAddress({ from: address, nonce }));
    expect(await provider.getCode(deployed)).not.toBe("0x");
    expect(await deployed.getFunction("balanceOf")(address)).toBe(5n);
  });

  test("a write is the account's, and its event says so", async () => {
    const { address, online } = context();
    const sent = await transfer(online.signer, NAMES.friend, 7n);
    const receipt = await sent.wait();
    expect(receipt).toMatchObject({ status: 1, from: address });
    const [event] = (receipt?.logs ?? []) as EventLog[];
    expect(event?.eventName).toBe("Transfer");
    expect(event?.args.toArray()).toEqual([address, FRIEND, 7n]);
    expect(await as(online.signer).getFunction("balanceOf")(FRIEND)).toBe(7n);
  });

  test("past events are found by the account as topic", async () => {
    const { address, online } = context();
    await (await transfer(online.signer, FRIEND, 1n)).wait();
    const contract = as(online.signer);
    const filter = contract.filters["Transfer"]?.(address, null);
    if (filter === undefined) throw new Error("no such event");
    const events = await contract.queryFilter(filter);
    expect(events.length).toBeGreaterThan(0);
    for (const event of events) expect((event as EventLog).args[0]).toBe(address);
  });

  test("a listener hears the event", async () => {
    const { online } = context();
    const contract = as(online.signer);
    let hear: (value: bigint) => void = () => {};
    const heard = new Promise<bigint>((resolve) => {
      hear = resolve;
    });
    await contract.once("Transfer", (_from: string, _to: string, value: bigint) => hear(value));
    await (await transfer(online.signer, FRIEND, 11n)).wait();
    expect(await heard).toBe(11n);
  });

  test("a static call and an estimate run as the account", async () => {
    const { online } = context();
    for (const signer of [online.signer, online.wallet]) {
      const write = as(signer).getFunction("transfer");
      expect(await write.staticCall(FRIEND, 1n)).toBe(true);
      expect(await write.estimateGas(FRIEND, 1n)).toBeGreaterThan(21_000n);
    }
  });

  test("a revert fails as with the wallet, and costs no nonce", async () => {
    const { online } = context();
    const nonce = await online.signer.getNonce();
    const expected = { code: "CALL_EXCEPTION", shortMessage: 'execution reverted: "balance too low"' };
    await expectSameFailure(online, (signer) => transfer(signer, FRIEND, SUPPLY * 2n), expected);
    expect(await online.signer.getNonce()).toBe(nonce);
  });

  test("another account of the backend has its own balance", async () => {
    const { anvil, online, pair, provider } = context();
    const { signer } = await pair(provider, OTHER_PRIVATE_KEY);
    const other = await signer.getAddress();
    await anvil.fund(other, 10n ** 18n);
    await (await transfer(online.signer, other, 3n)).wait();
    const receipt = await (await transfer(signer, FRIEND, 2n)).wait();
    expect(receipt?.from).toBe(other);
    expect(await as(signer).getFunction("balanceOf")(other)).toBe(1n);
  });
}
