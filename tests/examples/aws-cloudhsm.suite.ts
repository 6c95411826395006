// examples/aws-cloudhsm as a user who copied it has it. What needs no cloud is run: the template through the CDK, the certificates
// through openssl, the scripts against stand-ins for AWS's two CLIs, the container's entry point, and the application over SoftHSM2.

import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { computeAddress, id, parseEther } from "ethers";
import { CloudHsmCluster } from "../servers/cloudhsm-cli/cluster.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { SoftHsmToken } from "../support/softhsm.ts";
import { softHsmPath } from "../support/softhsm-env.ts";
import { CopiedExample } from "./support/copied-example.ts";

const PRIVATE_KEY = id("the account of the CloudHSM example");
const ADDRESS = computeAddress(PRIVATE_KEY);
const RECIPIENT = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
const [USER, PASSWORD] = ["payments", "password-of-payments"];
const RUN_FOLDER = process.env["ETHERS_HSM_TEST_FOLDER"] ?? "";

const example = new CopiedExample("aws-cloudhsm");

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function execute(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Outcome {
  return spawnSync(program, args, { cwd: example.folder, env: { ...process.env, ...env }, encoding: "utf8" });
}

describe("the copied example", () => {
  test("compiles", () => {
    expect(example.npmRun("types")).toContain("tsc");
  });

  test("has scripts in which ShellCheck finds nothing", () => {
    const folders = ["scripts", "container"].map((folder) => example.file(folder));
    const scripts = folders.flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith(".sh"))
        .map((name) => join(folder, name)),
    );
    expect(scripts.length).toBe(5);
    for (const script of scripts) expect(statSync(script).mode & 0o111).toBe(0o111);
    expect(execute("shellcheck", scripts)).toMatchObject({ status: 0, stdout: "" });
  });
});

describe("cluster.yaml", () => {
  type Resource = { readonly Type: string; readonly Properties: Readonly<Record<string, unknown>> };
  let resources: Readonly<Record<string, Resource & { readonly DeletionPolicy?: string }>>;

  const include = (template: string) => {
    const program = join(process.cwd(), "tests/examples/support/include-template.mjs");
    const cdk = new CopiedExample("aws-cdk-lambda").folder;
    // The CDK leaves what it synthesizes in a temporary folder.
    const env = { ...process.env, TMPDIR: RUN_FOLDER };
    return spawnSync(process.execPath, [program, cdk, template], { encoding: "utf8", env });
  };

  beforeAll(() => {
    const { status, stdout, stderr } = include(example.file("cluster.yaml"));
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    resources = JSON.parse(stdout).Resources;
  });

  test.each([
    ["a type", "AWS::CloudHSM::Cluster", "AWS::CloudHSM::Clutter", "Unknown resource type 'AWS::CloudHSM::Clutter'"],
    ["a property", "FromPort:", "FormPort:", "'FormPort' was unexpected"],
    [
      "an attribute",
      "GroupId: !GetAtt Cluster.SecurityGroup",
      "GroupId: !GetAtt Cluster.Group",
      "'Group' is not one of",
    ],
  ])("would not pass with %s that CloudFormation does not have", (_, right, wrong, message) => {
    const template = readFileSync(example.file("cluster.yaml"), "utf8");
    expect(template.split(right).length).toBe(2);
    const misspelt = join(RUN_FOLDER, "misspelt.yaml");
    writeFileSync(misspelt, template.replace(right, wrong));
    expect(include(misspelt)).toMatchObject({ status: 1, stderr: expect.stringContaining(message) });
  });

  test("has a cluster in two subnets that stays where the stack goes", () => {
    const { Cluster } = resources;
    expect(Cluster).toEqual({
      Type: "AWS::CloudHSM::Cluster",
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
      Properties: {
        HsmType: { Ref: "HsmType" },
        Mode: { Ref: "Mode" },
        SubnetIds: [{ Ref: "FirstSubnet" }, { Ref: "SecondSubnet" }],
        BackupRetentionPolicy: { Type: "DAYS", Value: { Ref: "BackupRetentionDays" } },
      },
    });
    const zones = ["FirstSubnet", "SecondSubnet"].map((name) => resources[name]?.Properties["AvailabilityZone"]);
    expect(zones).toEqual([{ Ref: "FirstZone" }, { Ref: "SecondZone" }]);
  });

  test("lets the signers reach the HSMs' ports, and no other principal", () => {
    const rules = Object.values(resources).filter(({ Type }) => Type.startsWith("AWS::EC2::SecurityGroup"));
    expect(rules.map(({ Type }) => Type).sort()).toEqual(["AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"]);
    expect(resources["SignersToCluster"]?.Properties).toMatchObject({
      GroupId: { "Fn::GetAtt": "Cluster.SecurityGroup" },
      SourceSecurityGroupId: { Ref: "Signers" },
      IpProtocol: "tcp",
      FromPort: 2223,
      ToPort: 2225,
    });
    expect(resources["Signers"]?.Properties).not.toHaveProperty("SecurityGroupIngress");
  });
});

describe("sign-cluster-csr.sh", () => {
  test("makes an authority once, and a certificate that it vouches for", () => {
    const folder = join(RUN_FOLDER, "certificates");
    mkdirSync(folder);
    const sign = (name: string) => {
      const request = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${name}`];
      execute("openssl", [...request, "-keyout", join(folder, "hsm.key"), "-out", join(folder, "cluster.csr")]);
      return execute(example.file("scripts/sign-cluster-csr.sh"), [folder]);
    };
    expect(sign("cluster-1")).toMatchObject({ status: 0, stdout: expect.stringContaining("cluster.crt: OK") });
    const authority = readFileSync(join(folder, "customerCA.crt"), "utf8");
    expect(statSync(join(folder, "customerCA.key")).mode & 0o077).toBe(0);
    expect(statSync(join(folder, "customerCA.crt")).mode & 0o777).toBe(0o644);
    expect(sign("cluster-2").status).toBe(0);
    expect(readFileSync(join(folder, "customerCA.crt"), "utf8")).toBe(authority);
    const shown = execute("openssl", ["x509", "-noout", "-subject", "-issuer", "-in", join(folder, "cluster.crt")]);
    expect(shown.stdout).toMatch(/subject=.*cluster-2[\s\S]*issuer=.*CloudHSM cluster authority/);
  });
});

describe("initialize.sh, against a stand-in for AWS's CLI", () => {
  const bin = join(RUN_FOLDER, "bin");
  const stateFile = join(RUN_FOLDER, "cluster.json");
  const state = () => JSON.parse(readFileSync(stateFile, "utf8"));
  const change = (changes: object) => writeFileSync(stateFile, JSON.stringify({ ...state(), ...changes }));
  const initialize = () =>
    execute(example.file("scripts/initialize.sh"), ["signing", join(RUN_FOLDER, "cluster-certificates")], {
      PATH: `${bin}:${process.env["PATH"]}`,
      STATE: stateFile,
    });

  beforeAll(() => {
    mkdirSync(bin);
    const cli = fileURLToPath(new URL("support/aws-cli.mjs", import.meta.url));
    writeFileSync(join(bin, "aws"), `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`);
    // The script waits 20 seconds between two questions.
    writeFileSync(join(bin, "sleep"), "#!/bin/sh\n");
    for (const name of ["aws", "sleep"]) chmodSync(join(bin, name), 0o755);
    const request = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=cluster-1", "-keyout", "/dev/null"];
    const csr = execute("openssl", request).stdout;
    const outputs = { ClusterId: "cluster-1", Zones: "eu-west-1a eu-west-1b" };
    writeFileSync(stateFile, JSON.stringify({ outputs, state: "CREATE_IN_PROGRESS", csr, hsms: [], log: [] }));
  });

  test("first adds one HSM and initializes the cluster with it", () => {
    const { status, stdout, stderr } = initialize();
    expect({ status, stdout, stderr }).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/10\.40\.1\.10[\s\S]*activate the cluster, and run this again/),
    });
    expect(state()).toMatchObject({
      state: "INITIALIZED",
      hsms: [{ AvailabilityZone: "eu-west-1a", State: "ACTIVE" }],
      log: ["create-hsm", "initialize-cluster"],
    });
  });

  test("then asks for the activation, without which AWS takes no second HSM", () => {
    expect(initialize()).toMatchObject({ status: 1, stderr: expect.stringContaining("activate the cluster") });
    expect(state().log).toEqual(["create-hsm", "initialize-cluster"]);
  });

  test("then adds the other HSM", () => {
    change({ state: "ACTIVE" });
    const { status, stdout, stderr } = initialize();
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/cluster-1 is active[\s\S]*10\.40\.1\.10\t[\s\S]*10\.40\.2\.10\t/);
    expect(state().hsms).toMatchObject([
      { AvailabilityZone: "eu-west-1a", State: "ACTIVE" },
      { AvailabilityZone: "eu-west-1b", State: "ACTIVE" },
    ]);
  });

  test("adds none where each zone has one", () => {
    expect(initialize().status).toBe(0);
    expect(state().log).toEqual(["create-hsm", "initialize-cluster", "create-hsm"]);
  });

  test("refuses a cluster in any other state", () => {
    change({ state: "DEGRADED" });
    expect(initialize()).toMatchObject({ status: 1, stderr: expect.stringContaining("cluster-1 is DEGRADED") });
    expect(state().log.length).toBe(3);
  });
});

describe("create-key.sh, against a stand-in for AWS's CLI", () => {
  const cluster = new CloudHsmCluster(["payments"]);
  const { username, password } = cluster.user("payments");
  const createKey = (label: string, pin = `${username}:${password}`) =>
    execute(example.file("scripts/create-key.sh"), [label], { CLOUDHSM_CLI: cluster.cliPath, CLOUDHSM_PIN: pin });

  afterAll(() => cluster.remove());

  test("makes a key that signs and cannot leave, and shows it", () => {
    const { status, stdout } = createKey("treasury");
    expect(status).toBe(0);
    expect(cluster.count("key generate-asymmetric-pair ec")).toBe(1);
    const [, key] = cluster.state.keys;
    expect(key).toMatchObject({ label: "treasury", attributes: { sign: "true", extractable: "false" } });
    expect(stdout).toContain(`"ec-point": "0x${key?.ecPoint}"`);
  });

  test("makes no second key of a label", () => {
    expect(createKey("treasury")).toMatchObject({ status: 1, stderr: expect.stringContaining("treasury is taken") });
    expect(cluster.state.keys.length).toBe(2);
  });

  test("makes none with a wrong password", () => {
    const { status, stdout, stderr } = createKey("payroll", `${username}:wrong-password`);
    expect(status).not.toBe(0);
    expect(`${stdout}${stderr}`).not.toContain("wrong-password");
    expect(cluster.state.keys.length).toBe(2);
  });
});

describe("the application, over SoftHSM2 in the cluster's place", () => {
  let anvil: Anvil;
  let env: Readonly<Record<string, string>>;
  const passwordFile = join(RUN_FOLDER, "hsm-password");

  beforeAll(async () => {
    example.npmRun("build");
    const token = SoftHsmToken.create(softHsmPath(), `cloudhsm-example-${process.pid}`, `${USER}:${PASSWORD}`);
    token.importKey(PRIVATE_KEY, { label: "treasury" });
    writeFileSync(passwordFile, `${PASSWORD}\n`);
    anvil = await startAnvil();
    env = {
      CLOUDHSM_LIBRARY: softHsmPath(),
      HSM_USER: USER,
      HSM_PASSWORD_FILE: passwordFile,
      KEY_LABEL: "treasury",
      RPC_URL: anvil.url,
    };
  });

  afterAll(async () => {
    await anvil?.stop();
  });

  const run = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    execute(process.execPath, ["dist/main.cjs", ...args], { ...env, ...more });

  test("says the account's address", () => {
    expect(run(["address"])).toMatchObject({ status: 0, stdout: `${ADDRESS}\n`, stderr: "" });
  });

  test("sends a payment that is mined", async () => {
    await anvil.fund(ADDRESS, parseEther("1"));
    const before = await anvil.provider().getBalance(RECIPIENT);
    const { status, stdout, stderr } = run(["send", RECIPIENT, "0.25"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const [hash = "", mined] = stdout.split("\n");
    expect(mined).toMatch(/^mined in block \d+$/);
    expect(await anvil.provider().getTransactionReceipt(hash)).toMatchObject({ status: 1, from: ADDRESS });
    expect(await anvil.provider().getBalance(RECIPIENT)).toBe(before + parseEther("0.25"));
  });

  test("ends with 1 and a code, and shows neither the password nor the RPC's URL", () => {
    const failures: readonly [readonly string[], Record<string, string>, RegExp][] = [
      [["address"], { KEY_LABEL: "payroll" }, /^KEY_NOT_FOUND: /],
      [["send", RECIPIENT, "a lot"], {}, /^INVALID_ARGUMENT: /],
      [["send", RECIPIENT, "1000"], {}, /^INSUFFICIENT_FUNDS: /],
      [["address"], { HSM_USER: "" }, /^set HSM_USER$/m],
      [["drain"], {}, /^say address, or send ADDRESS ETHER$/m],
    ];
    for (const [args, more, message] of failures) {
      const { status, stderr } = run(args, more);
      expect({ args, status, stderr }).toEqual({ args, status: 1, stderr: expect.stringMatching(message) });
      expect(stderr).not.toContain(PASSWORD);
      expect(stderr).not.toContain(anvil.url);
    }
  });

  describe("starts by the container's entry point, which configures the library first", () => {
    const etc = join(RUN_FOLDER, "cloudhsm-etc");
    const temporary = join(RUN_FOLDER, "tmp-of-the-container");
    const [certificate, configure] = [join(RUN_FOLDER, "customerCA.crt"), join(RUN_FOLDER, "configure-pkcs11")];
    const enter = (more: Readonly<Record<string, string>>) =>
      execute(example.file("container/entrypoint.sh"), ["address"], {
        ...env,
        CLOUDHSM_ETC: etc,
        CLOUDHSM_CONFIGURE: configure,
        HSM_ADDRESSES: "10.40.1.10 10.40.2.10",
        TMPDIR: temporary,
        ...more,
      });

    beforeAll(() => {
      writeFileSync(certificate, "certificate");
      // It also shows what environment the application gets.
      writeFileSync(configure, `#!/bin/sh\necho "$@" >'${etc}/arguments'\nenv >'${etc}/environment'\n`);
      chmodSync(configure, 0o755);
    });

    beforeEach(() => {
      for (const folder of [etc, temporary]) {
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder);
      }
    });

    test("with the certificate and the password in files", () => {
      expect(enter({ CUSTOMER_CA_FILE: certificate })).toMatchObject({ status: 0, stdout: `${ADDRESS}\n` });
      expect(readFileSync(join(etc, "arguments"), "utf8")).toBe("-a 10.40.1.10 10.40.2.10\n");
      expect(readFileSync(join(etc, "customerCA.crt"), "utf8")).toBe("certificate");
      expect(readdirSync(temporary)).toEqual([]);
    });

    test("with both as text, of which the password is in no variable afterwards", () => {
      const outcome = enter({ CUSTOMER_CA: "text of a certificate", HSM_PASSWORD: PASSWORD, HSM_PASSWORD_FILE: "" });
      expect(outcome).toMatchObject({ status: 0, stdout: `${ADDRESS}\n` });
      expect(readFileSync(join(etc, "customerCA.crt"), "utf8")).toBe("text of a certificate\n");
      const [file = ""] = readdirSync(temporary);
      expect(statSync(join(temporary, file)).mode & 0o777).toBe(0o600);
      const environment = readFileSync(join(etc, "environment"), "utf8");
      expect(environment).toContain(`HSM_PASSWORD_FILE=${join(temporary, file)}\n`);
      expect(environment).not.toContain(PASSWORD);
    });

    test("and not without a certificate", () => {
      expect(enter({})).toMatchObject({ status: 1, stderr: expect.stringContaining("or CUSTOMER_CA with its text") });
    });
  });
});
