import { hexlify, randomBytes } from "ethers";

/** For a stand-in of a service, which is told its key. */
export function newPrivateKey(): string {
  return hexlify(randomBytes(32));
}
