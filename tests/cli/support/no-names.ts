const PROGRAM = `import dns from "node:dns";
dns.lookup = (name, options, callback) =>
  callback(Object.assign(new Error("getaddrinfo ENOTFOUND " + name), { code: "ENOTFOUND" }));`;

/** The environment of a process for which no name is in DNS: nothing that it asks for leaves this machine. */
export const NO_NAMES = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(PROGRAM)}` };
