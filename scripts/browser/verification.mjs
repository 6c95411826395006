import { computeAddress, getAddress, Transaction, verifyAuthorization, verifyMessage, verifyTypedData } from "ethers";
import { AUTHORIZATION, IMPORTED, MESSAGE, TRANSACTION, TYPED_DATA } from "../../tests/package/browser/samples.ts";

const { domain, types, value } = TYPED_DATA;

/**
 * Whose work a door's answer is, as ethers sees it in this process.
 *
 * @type {Readonly<Record<string, (answer: any) => string>>}
 */
export const signers = {
  address: (answer) => answer,
  message: (answer) => verifyMessage(MESSAGE, answer),
  "typed data": (answer) => verifyTypedData(domain, types, value, answer),
  transaction: senderOf,
  authorization: (answer) => verifyAuthorization(AUTHORIZATION, answer),
  eth_accounts: ([answer]) => getAddress(answer),
  personal_sign: (answer) => verifyMessage(MESSAGE, answer),
  "viem message": (answer) => verifyMessage(MESSAGE, answer),
  "viem transaction": senderOf,
  directory: (answer) => verifyMessage(MESSAGE, answer),
};

/** The account of the key that pages import. */
export const importedAddress = computeAddress(IMPORTED);

/**
 * @param {string} serialized
 * @returns {string} who signed it; it throws where it is not just the transaction that was to be signed
 */
function senderOf(serialized) {
  const transaction = Transaction.from(serialized);
  for (const [name, expected] of Object.entries(TRANSACTION)) {
    const found = /** @type {any} */ (transaction)[name];
    // ethers has some as bigint that viem has as number.
    if (String(found) !== String(expected)) throw new Error(`the transaction's ${name} is ${found}, not ${expected}`);
  }
  return transaction.from ?? "";
}
