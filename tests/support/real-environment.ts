import { runInThisContext } from "node:vm";

/**
 * Sets a variable in the environment of the process itself, where native libraries read it, and in the one that the caller
 * sees. Under jest these are two: a test has a copy.
 */
export function setRealEnvironment(name: string, value: string): void {
  const real = runInThisContext("process.env") as NodeJS.ProcessEnv;
  real[name] = value;
  process.env[name] = value;
}
