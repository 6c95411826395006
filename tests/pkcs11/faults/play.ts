import type { ShimFunction } from "../../support/pkcs11-shim/shim.ts";
import type { Fault } from "./catalogue.ts";
import { emptyOutcome, load } from "./load.ts";
import { MARGIN_MS, type Report } from "./report.ts";
import { Scene, type SceneOptions } from "./scene.ts";

const CALLERS = 50;
const CALLS_AFTER = 100;
const ROUNDS_AFTER = 5;
const DEFAULT_TIMEOUT = 5_000;

/** Plays one fault in this process, under load from beginning to end. */
export async function play(
  fault: Fault,
  { isolated, seconds, habits }: Pick<SceneOptions, "isolated" | "seconds" | "habits">,
): Promise<Report> {
  const unhandledRejections: string[] = [];
  process.on("unhandledRejection", (reason) => unhandledRejections.push(String(reason)));

  const timeout = fault.timeout ?? DEFAULT_TIMEOUT;
  const scene = await Scene.open({
    isolated,
    remote: fault.remote ?? false,
    timeout,
    hangTimeout: fault.hangTimeout,
    seconds,
    habits,
  });
  const { shim, signers } = scene;
  const patienceMs = timeout + MARGIN_MS;
  await scene.untilNormal();

  const before = shim.stats().functions;
  const during = emptyOutcome();
  scene.begin(() => (fault.certain ?? []).every((code) => during.failures[code] !== undefined));
  await load(signers, { callers: CALLERS, over: fault.run(scene), patienceMs, outcome: during });
  const { functions, overlaps, interleavings, closedInUse, mostSessions } = shim.stats();
  const normalAfterMs = await scene.untilNormal();
  let after = emptyOutcome();
  // A call's time may pass on a busy machine that gives its process none: then the calls are made again.
  for (let rounds = 0; rounds < ROUNDS_AFTER; rounds += 1) {
    after = await load(signers, { callers: CALLERS, calls: CALLS_AFTER, patienceMs });
    const isStarved = after.ok < CALLS_AFTER && after.ok + (after.failures["BACKEND_TIMEOUT"] ?? 0) === CALLS_AFTER;
    if (!isStarved) break;
  }

  await Promise.all(signers.map((signer) => signer.close()));
  const closed = shim.stats();
  const actions = (name: ShimFunction) => closed.functions[name].calls - before[name].calls;
  const { logout, finalize } = scene.actions;
  await scene.close();
  return {
    fault: fault.name,
    isolated,
    timeout,
    during,
    normalAfterMs,
    after,
    unhandledRejections,
    strikes: scene.strikes,
    logins: functions.C_Login.calls - before.C_Login.calls,
    // No other code uses a remote token's library, nor one that runs in a process of its own.
    disservices: isolated || fault.remote ? 0 : actions("C_Logout") + actions("C_Finalize") - logout - finalize,
    initializations: functions.C_Initialize.calls - before.C_Initialize.calls,
    overlaps,
    interleavings,
    closedInUse,
    mostSessions,
    sessionsLeft: closed.sessions,
  };
}
