import pkcs11js from "pkcs11js";

type Method = (...args: unknown[]) => unknown;

let open = 0;

/** The sessions that this process has opened and not closed, counted at pkcs11js' own calls, which all go through. */
export function openSessions(): number {
  return open;
}

// pkcs11js copies these methods to each of its objects when it is constructed: import this before the first one is.
const native = Object.getPrototypeOf(pkcs11js.PKCS11.prototype) as Record<string, Method>;
count("C_OpenSession", 1);
count("C_CloseSession", -1);

function count(name: string, change: 1 | -1): void {
  const method = native[name];
  if (!method) throw new Error(`pkcs11js has no ${name}`);
  native[name] = function counted(this: unknown, ...args) {
    const result = method.apply(this, args);
    open += change;
    return result;
  };
}
