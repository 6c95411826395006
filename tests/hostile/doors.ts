import {
  BrowserProvider,
  hashMessage,
  hexlify,
  id,
  Network,
  recoverAddress,
  Transaction,
  TypedDataEncoder,
  toUtf8Bytes,
  verifyAuthorization,
  verifyMessage,
  verifyTypedData,
} from "ethers";
import { createWalletClient, custom, type Hex } from "viem";
import { mainnet } from "viem/chains";
import { recoverAuthorizationAddress } from "viem/utils";
import { createProvider, type Eip1193Provider } from "../../src/eip1193/index.ts";
import type { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { type RemoteViemAccount, toViemAccount } from "../../src/viem/index.ts";
import type { RecordingChain } from "./chain.ts";

/** One way for a caller to get a signature. */
export interface Door {
  readonly name: string;
  /** Whether what it signs goes to the chain. */
  readonly sends: boolean;
  /** What stands between the caller and the signer: made once, and used for every call. */
  open(signer: RemoteSigner, chain: RecordingChain, address: string): OpenDoor;
}

/** Asks for a signature over something that has this number in it, and gives the address whose signature came. */
type OpenDoor = (number: number) => Promise<string>;

const TO = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";
const DOMAIN = { name: "hostile", version: "1", chainId: 1 };
const TYPES = { Payment: [{ name: "amount", type: "uint256" }] };
const EIP712_DOMAIN = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
];

const text = (number: number) => `message ${number}`;
const payment = (number: number) => ({ amount: number });
const senderOf = (raw: unknown) => Transaction.from(String(raw)).from ?? "no one";
const signerOf = (digest: string, signature: string) => recoverAddress(digest, signature);

const ethersDoors: readonly Door[] = [
  door("signDigest", (signer) => async (number) => {
    return recoverAddress(id(text(number)), await signer.signDigest(id(text(number))));
  }),
  door(
    "signMessage",
    (signer) => async (number) => verifyMessage(text(number), await signer.signMessage(text(number))),
  ),
  door("signTransaction", (signer) => async (number) => {
    return senderOf(await signer.signTransaction({ to: TO, value: number, chainId: 1, nonce: 0 }));
  }),
  door("signTypedData", (signer) => async (number) => {
    return verifyTypedData(DOMAIN, TYPES, payment(number), await signer.signTypedData(DOMAIN, TYPES, payment(number)));
  }),
  door("authorize", (signer) => async (number) => {
    const authorization = await signer.authorize({ address: TO, nonce: number, chainId: 1 });
    return verifyAuthorization(authorization, authorization.signature);
  }),
  {
    name: "sendTransaction",
    sends: true,
    open(signer, chain) {
      const network = Network.from(1);
      const provider = new BrowserProvider(chain, network, { staticNetwork: network, cacheTimeout: -1 });
      const connected = signer.connect(provider);
      return async (number) => {
        await connected.sendTransaction({ to: TO, value: number, gasLimit: 21_000, type: 2 });
        return senderOf(chain.sent.at(-1));
      };
    },
  },
];

/** EIP-1193: by its method. */
const requestDoors: readonly Door[] = [
  request("personal_sign", async (provider, address, number) => {
    const params = [hexlify(toUtf8Bytes(text(number))), address];
    return verifyMessage(text(number), String(await provider.request({ method: "personal_sign", params })));
  }),
  request("eth_signTypedData_v4", async (provider, address, number) => {
    const typed = { domain: DOMAIN, primaryType: "Payment", message: payment(number) };
    const params = [address, { ...typed, types: { EIP712Domain: EIP712_DOMAIN, ...TYPES } }];
    const signature = await provider.request({ method: "eth_signTypedData_v4", params });
    return verifyTypedData(DOMAIN, TYPES, payment(number), String(signature));
  }),
  request("eth_sign", async (provider, address, number) => {
    const params = [address, hexlify(toUtf8Bytes(text(number)))];
    return signerOf(hashMessage(text(number)), String(await provider.request({ method: "eth_sign", params })));
  }),
  request("eth_signTransaction", async (provider, from, number) => {
    const params = [{ from, to: TO, value: `0x${number.toString(16)}`, nonce: "0x0", gas: "0x5208" }];
    const answer = (await provider.request({ method: "eth_signTransaction", params })) as { raw?: string } | string;
    return senderOf(typeof answer === "string" ? answer : answer.raw);
  }),
  {
    ...request("eth_sendTransaction", async (provider, from, number, chain) => {
      const params = [{ from, to: TO, value: `0x${number.toString(16)}`, gas: "0x5208" }];
      await provider.request({ method: "eth_sendTransaction", params });
      return senderOf(chain.sent.at(-1));
    }),
    sends: true,
  },
];

const viemDoors: readonly Door[] = [
  viem("sign", async (account, number) => {
    return signerOf(id(text(number)), await account.sign({ hash: id(text(number)) as Hex }));
  }),
  viem("signMessage", async (account, number) => {
    return verifyMessage(text(number), await account.signMessage({ message: text(number) }));
  }),
  viem("signTransaction", async (account, number) => {
    return senderOf(await account.signTransaction({ type: "eip1559", chainId: 1, to: TO, value: BigInt(number) }));
  }),
  viem("signTypedData", async (account, number) => {
    const message = { amount: BigInt(number) };
    const signature = await account.signTypedData({ domain: DOMAIN, types: TYPES, primaryType: "Payment", message });
    return signerOf(TypedDataEncoder.hash(DOMAIN, TYPES, payment(number)), signature);
  }),
  viem("signAuthorization", async (account, number) => {
    return recoverAuthorizationAddress({
      authorization: await account.signAuthorization({ address: TO, chainId: 1, nonce: number }),
    });
  }),
  {
    ...viem("sendTransaction of a wallet client", async (account, number, chain) => {
      const client = createWalletClient({ account, chain: mainnet, transport: custom(chain, { retryCount: 0 }) });
      const fees = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 10n ** 9n };
      await client.sendTransaction({ to: TO, value: BigInt(number), gas: 21_000n, ...fees });
      return senderOf(chain.sent.at(-1));
    }),
    sends: true,
  },
];

/** Every way to a signature that this package has. */
export const doors: readonly Door[] = [...ethersDoors, ...requestDoors, ...viemDoors];

function door(name: string, open: Door["open"]): Door {
  return { name, sends: false, open };
}

function request(
  method: string,
  use: (provider: Eip1193Provider, address: string, number: number, chain: RecordingChain) => Promise<string>,
): Door {
  return door(`EIP-1193's ${method}`, (signer, chain, address) => {
    const provider = createProvider({ accounts: [signer], provider: chain, ethSign: true });
    return (number) => use(provider, address, number, chain);
  });
}

function viem(
  method: string,
  use: (account: RemoteViemAccount, number: number, chain: RecordingChain) => Promise<string>,
): Door {
  return door(`viem's ${method}`, (signer, chain) => async (number) => use(await toViemAccount(signer), number, chain));
}
