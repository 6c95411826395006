import { connect } from "node:net";

/**
 * @param {import("node:net").NetConnectOpts} target
 * @returns {(incoming: import("node:net").Socket) => void} passes on a connection to `target`, and ends both with either
 */
export function relayTo(target) {
  return (incoming) => {
    const outgoing = connect(target);
    const end = () => {
      incoming.destroy();
      outgoing.destroy();
    };
    for (const each of [incoming, outgoing]) each.on("error", end).on("close", end);
    incoming.pipe(outgoing).pipe(incoming);
  };
}
