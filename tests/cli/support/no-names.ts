import dns from "node:dns";
import { jest } from "@jest/globals";

/** While `call` runs, no name is in DNS: nothing that it asks for leaves this machine. */
export async function withoutNames<T>(call: () => Promise<T>): Promise<T> {
  const lookup = jest.spyOn(dns, "lookup").mockImplementation(((name: string, ...others: unknown[]) => {
    const callback = others.at(-1) as (error: Error) => void;
    callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: "ENOTFOUND" }));
  }) as never);
  try {
    return await call();
  } finally {
    lookup.mockRestore();
  }
}
