import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";

const root = `${__dirname}/../..`;
const PROGRAM = 'import { makeSbom } from "./scripts/sbom.mjs"; console.log(JSON.stringify(makeSbom()));';

interface Component {
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes: readonly { readonly alg: string; readonly content: string }[];
}
interface Sbom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp?: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

function sbom(env: NodeJS.ProcessEnv = {}): string {
  const { SOURCE_DATE_EPOCH: _epoch, ...inherited } = process.env;
  const options = { cwd: root, encoding: "utf8", env: { ...inherited, ...env } } as const;
  return execFileSync(process.execPath, ["--input-type=module", "-e", PROGRAM], options);
}

test("the SBOM is the same each time, and holds no registry and no path of this machine", () => {
  const text = sbom();
  expect(sbom()).toBe(text);
  expect(text).not.toMatch(/registry|resolved|file:|node_modules/);
  expect(text).not.toContain(process.cwd());
  expect((JSON.parse(text) as Sbom).metadata.timestamp).toBeUndefined();
});

test("its time is SOURCE_DATE_EPOCH's", () => {
  const { metadata } = JSON.parse(sbom({ SOURCE_DATE_EPOCH: "1700000000" })) as Sbom;
  expect(metadata.timestamp).toBe("2023-11-14T22:13:20.000Z");
});

test("it names what the lock file has for the runtime, with its hashes, and nothing else", () => {
  const document = JSON.parse(sbom()) as Sbom;
  const read = (name: string) => JSON.parse(readFileSync(`${root}/${name}`, "utf8"));
  const { name, version, dependencies } = read("package.json");
  const packages = read("package-lock.json").packages as Record<string, { version: string; integrity: string }>;
  expect(document).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.5" });
  expect(document.serialNumber).toMatch(
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(document.metadata.component).toMatchObject({ name, version, purl: `pkg:npm/${name}@${version}` });
  for (const component of document.components) {
    // At the top or within another package.
    const locked = Object.entries(packages).find(
      ([path, { version }]) => path.endsWith(`node_modules/${component.name}`) && version === component.version,
    )?.[1];
    expect(locked).toBeDefined();
    const [hash] = component.hashes;
    expect(`sha512-${Buffer.from(hash?.content ?? "", "hex").toString("base64")}`).toBe(locked?.integrity);
  }
  const own = document.dependencies.find(({ ref }) => ref === `${name}@${version}`);
  expect(own?.dependsOn.map((ref) => ref.replace(/@[^@]+$/, ""))).toEqual(Object.keys(dependencies));
  const refs = document.components.map((component) => component["bom-ref"]);
  expect(document.dependencies.flatMap(({ dependsOn }) => dependsOn).sort()).toEqual([...refs].sort());
});
