import { readdirSync, readFileSync } from "node:fs";

/** In a program that tsx runs: lets the processes of isolated PKCS#11 libraries run this project's source as well. */
export function letChildrenReadTypeScript(): void {
  process.env["NODE_OPTIONS"] = "--import tsx";
}

/** The process ids of the isolated PKCS#11 libraries that this process has started and that still run. */
export function isolatedProcesses(): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter(isChildOfThisProcess);
}

function isChildOfThisProcess(pid: number): boolean {
  try {
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    const isOurs = Number(parent) === process.pid && state !== "Z";
    return isOurs && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("pkcs11/isolation/index");
  } catch {
    // It ended meanwhile.
    return false;
  }
}
