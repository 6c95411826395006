// The AWS CLI, as far as initialize.sh uses it, over one cluster whose state is a JSON file. What takes AWS minutes is done after the
// answer that says that it is under way.
//   STATE=state.json node aws-cli.mjs cloudhsmv2 create-hsm --cluster-id … --availability-zone …

import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const file = process.env["STATE"] ?? "";
const [, , service, operation, ...rest] = process.argv;
/** @param {string} name */
const option = (name) => rest[rest.indexOf(name) + 1] ?? "";

/** @typedef {{ HsmId: string, AvailabilityZone: string, EniIp: string, State: string }} Hsm */
/** @type {{ outputs: Record<string, string>, state: string, csr: string, hsms: Hsm[], log: string[] }} */
const cluster = JSON.parse(readFileSync(file, "utf8"));

const DONE = {
  CREATE_IN_PROGRESS: "UNINITIALIZED",
  INITIALIZE_IN_PROGRESS: "INITIALIZED",
  UPDATE_IN_PROGRESS: "ACTIVE",
};

/** @param {string} message @returns {never} */
function refuse(message) {
  process.stderr.write(`An error occurred (CloudHsmInvalidRequestException): ${message}\n`);
  process.exit(254);
}

/** The queries of the script. @param {string} query @returns {string} */
function answer(query) {
  const [, output] = /^Stacks\[0\]\.Outputs\[\?OutputKey=='(\w+)'\]\.OutputValue$/.exec(query) ?? [];
  if (output !== undefined) return cluster.outputs[output] ?? "";
  if (query === "Clusters[0].State") return cluster.state;
  if (query === "Clusters[0].Certificates.ClusterCsr") return cluster.hsms.length > 0 ? cluster.csr : "None";
  if (query === "Clusters[0].Hsms[].[HsmId,AvailabilityZone,EniIp,State]") {
    return cluster.hsms.map((hsm) => Object.values(hsm).join("\t")).join("\n");
  }
  const [, zone, condition] =
    /^length\(Clusters\[\]\.Hsms\[\] \| \[\?AvailabilityZone=='(\S+)' && (.+)\]\)$/.exec(query) ?? [];
  const inZone = cluster.hsms.filter(({ AvailabilityZone }) => AvailabilityZone === zone);
  if (condition === "State=='ACTIVE'") return `${inZone.filter(({ State }) => State === "ACTIVE").length}`;
  if (condition === "!starts_with(State, 'DELETE')") {
    return `${inZone.filter(({ State }) => !State.startsWith("DELETE")).length}`;
  }
  return refuse(`the query ${query} is not known here`);
}

function describeClusters() {
  const text = answer(option("--query"));
  cluster.state = DONE[/** @type {keyof DONE} */ (cluster.state)] ?? cluster.state;
  for (const hsm of cluster.hsms) if (hsm.State === "CREATE_IN_PROGRESS") hsm.State = "ACTIVE";
  return text;
}

function createHsm() {
  const zone = option("--availability-zone");
  const { hsms, state } = cluster;
  if (state !== "ACTIVE" && hsms.length > 0) refuse("already contains an HSM but has not yet been fully activated");
  if (state !== "ACTIVE" && state !== "UNINITIALIZED") refuse(`the cluster is ${state}`);
  const number = hsms.length + 1;
  hsms.push({
    HsmId: `hsm-${number}`,
    AvailabilityZone: zone,
    EniIp: `10.40.${number}.10`,
    State: "CREATE_IN_PROGRESS",
  });
  if (state === "ACTIVE") cluster.state = "UPDATE_IN_PROGRESS";
  return "{}";
}

function initializeCluster() {
  if (cluster.state !== "UNINITIALIZED" || cluster.hsms[0]?.State !== "ACTIVE")
    refuse(`the cluster is ${cluster.state}`);
  const [certificate, authority] = ["--signed-cert", "--trust-anchor"].map(
    (name) => new X509Certificate(readFileSync(option(name).replace("file://", ""))),
  );
  if (!authority || !certificate?.verify(authority.publicKey)) refuse("the certificate is not the authority's");
  cluster.state = "INITIALIZE_IN_PROGRESS";
  return "{}";
}

const OPERATIONS = {
  "cloudformation describe-stacks": () => answer(option("--query")),
  "cloudhsmv2 describe-clusters": describeClusters,
  "cloudhsmv2 create-hsm": createHsm,
  "cloudhsmv2 initialize-cluster": initializeCluster,
};
const run = OPERATIONS[/** @type {keyof OPERATIONS} */ (`${service} ${operation}`)];
if (!run) refuse(`${service} ${operation} is not known here`);
if (operation !== undefined && !operation.startsWith("describe")) cluster.log.push(operation);
process.stdout.write(`${run()}\n`);
writeFileSync(file, JSON.stringify(cluster));
