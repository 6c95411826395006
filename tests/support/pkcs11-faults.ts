import pkcs11js from "pkcs11js";

type Method = (...args: unknown[]) => unknown;

/** What stands in for a call of the module: it gets the call itself, and its arguments. */
export type Interceptor = (call: Method, args: unknown[]) => unknown;

// As pkcs11js names them: "Callback" is behind the asynchronous variants.
const NAMES = [
  "C_CreateObject",
  "C_DestroyObject",
  "C_FindObjects",
  "C_FindObjectsInit",
  "C_GenerateKeyPairCallback",
  "C_GetAttributeValue",
  "C_GetMechanismList",
  "C_GetSlotInfo",
  "C_Initialize",
  "C_Finalize",
  "C_Login",
  "C_OpenSession",
  "C_SignCallback",
  "C_UnwrapKeyCallback",
] as const;

export type Interceptable = (typeof NAMES)[number];

const interceptors = new Map<string, Interceptor>();

/** Lets `interceptor` answer every call of `name` in this process, until {@link restore}. */
export function intercept(name: Interceptable, interceptor: Interceptor): void {
  interceptors.set(name, interceptor);
}

/** Counts the calls of `name` in this process, until {@link restore}. */
export function countCalls(name: Interceptable): () => number {
  let count = 0;
  intercept(name, (call, args) => {
    count += 1;
    return call(...args);
  });
  return () => count;
}

export function restore(): void {
  interceptors.clear();
}

/** What a module's return value looks like to pkcs11js. */
export function returnValue(name: string, value: number): Error {
  return new Error(`${name}:${value}`);
}

// pkcs11js copies these methods to each of its objects when it is constructed: import this before the first one is.
const native = Object.getPrototypeOf(pkcs11js.PKCS11.prototype) as Record<string, Method>;

for (const name of NAMES) {
  const method = native[name];
  if (!method) throw new Error(`pkcs11js has no ${name}`);
  native[name] = function intercepted(this: unknown, ...args) {
    const interceptor = interceptors.get(name);
    return interceptor ? interceptor((...changed) => method.apply(this, changed), args) : method.apply(this, args);
  };
}
