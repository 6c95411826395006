import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Report } from "./report.ts";
import type { SceneOptions } from "./scene.ts";

const PROJECT = fileURLToPath(new URL("../../../", import.meta.url));
const ACTOR = fileURLToPath(new URL("./actor.ts", import.meta.url));
const SET_UP_AND_PATIENCE_MS = 120_000;
const LINGERING_MS = 10_000;

/**
 * Plays one fault in a process of its own, since a fault may take its process along, and since what this process has loaded
 * would have a part in it.
 *
 * @throws where the process ended without a report: it crashed, or it hung and was killed.
 */
export function stage(
  fault: string,
  { isolated, seconds, habits }: Pick<SceneOptions, "isolated" | "seconds" | "habits">,
): Promise<Report> {
  return new Promise<Report>((resolve, reject) => {
    const args = [
      "--import",
      "tsx",
      ACTOR,
      "--fault",
      fault,
      "--seconds",
      `${seconds}`,
      ...(isolated ? ["--isolated"] : []),
      ...habits.flatMap((habit) => ["--habit", habit]),
    ];
    const child = spawn(process.execPath, args, { cwd: PROJECT, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    let report: Report | undefined;
    let patience = setTimeout(() => child.kill("SIGKILL"), seconds * 1000 + SET_UP_AND_PATIENCE_MS);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (!output.endsWith("\n")) return;
      report = JSON.parse(output) as Report;
      clearTimeout(patience);
      patience = setTimeout(() => child.kill("SIGKILL"), LINGERING_MS);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(patience);
      const end = signal ? `with ${signal}` : code === 0 ? "on its own" : `with exit code ${code}`;
      if (report) resolve({ ...report, exit: end });
      else reject(new Error(`the process ended ${end} before its report:\n${errors.slice(-1_500)}`));
    });
  });
}
