// Writes dist/sbom.cdx.json: what users install with the package, from the lock file. The same input gives the same bytes.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** @typedef {{ "bom-ref": string, externalReferences?: { type: string }[], properties?: { name: string }[] }} Component */

const root = new URL("../", import.meta.url);
const FILE = new URL("dist/sbom.cdx.json", root);

/** CycloneDX 1.5, as npm makes it, without what differs from run to run and from machine to machine. */
export function makeSbom() {
  const project = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
  const args = ["sbom", "--sbom-format", "cyclonedx", "--sbom-type", "library", "--omit", "dev", "--omit", "optional"];
  const made = execFileSync("npm", [...args, "--omit", "peer", "--package-lock-only"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    shell: process.platform === "win32",
  });
  const { serialNumber: _serial, metadata, components, ...rest } = JSON.parse(made);
  const { timestamp: _time, tools: _tools, component, ...others } = metadata;
  // Npm calls it by its folder.
  const document = {
    ...rest,
    metadata: { ...others, component: { ...component, name: project.name } },
    components: sorted(components.map(withoutPlace)),
  };
  const text = JSON.stringify(document);
  return { $schema: document.$schema, serialNumber: `urn:uuid:${uuidOf(text)}`, ...withTime(document) };
}

/**
 * Where it came from is the registry that the machine uses; where it lies is its folder.
 *
 * @param {Component} component
 */
function withoutPlace({ externalReferences = [], properties = [], ...component }) {
  return {
    ...component,
    properties: properties.filter(({ name }) => name !== "cdx:npm:package:path"),
    externalReferences: externalReferences.filter(({ type }) => type !== "distribution"),
  };
}

/** @param {Component[]} components */
function sorted(components) {
  return components.sort((a, b) => (a["bom-ref"] < b["bom-ref"] ? -1 : 1));
}

/**
 * https://reproducible-builds.org/specs/source-date-epoch/
 *
 * @template {{ metadata: object }} Document
 * @param {Document} document
 */
function withTime(document) {
  const epoch = process.env["SOURCE_DATE_EPOCH"];
  if (epoch === undefined) return document;
  const timestamp = new Date(Number(epoch) * 1000).toISOString();
  return { ...document, metadata: { timestamp, ...document.metadata } };
}

/**
 * A UUID of the content (RFC 9562, version 8).
 *
 * @param {string} text
 */
function uuidOf(text) {
  const hash = createHash("sha256").update(text).digest("hex");
  const variant = ((Number.parseInt(hash.charAt(16), 16) & 3) | 8).toString(16);
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    variant + hash.slice(17, 20),
    hash.slice(20, 32),
  ].join("-");
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  mkdirSync(new URL("./", FILE), { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(makeSbom(), null, 2)}\n`);
}
