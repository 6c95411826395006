// What the stack would deploy: nothing here asks AWS.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { App, RemovalPolicy } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { SignerStack, type SignerStackProps } from "../signer-stack.ts";

function synthesize(props: Partial<SignerStackProps> = {}): Template {
  // Without bundling: the permissions are the subject here.
  const app = new App({ context: { "aws:cdk:bundling-stacks": [] } });
  return Template.fromStack(new SignerStack(app, "Signer", { chainId: 11155111, ...props }));
}

/** The logical id of the only resource of that type. */
function only(template: Template, type: string): string {
  const [id, ...others] = Object.keys(template.findResources(type));
  assert(id !== undefined && others.length === 0, `one ${type}`);
  return id;
}

describe("the stack", () => {
  let template: Template;
  before(() => {
    template = synthesize();
  });

  test("has one secp256k1 key for signing, which stays where the stack goes", () => {
    template.resourceCountIs("AWS::KMS::Key", 1);
    template.hasResource("AWS::KMS::Key", {
      Properties: { KeySpec: "ECC_SECG_P256K1", KeyUsage: "SIGN_VERIFY", PendingWindowInDays: 30 },
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
    });
  });

  test("deletes the key only where that was asked for", () => {
    synthesize({ removalPolicy: RemovalPolicy.DESTROY }).hasResource("AWS::KMS::Key", {
      Properties: { PendingWindowInDays: 7 },
      DeletionPolicy: "Delete",
      UpdateReplacePolicy: "Delete",
    });
  });

  test("names the key by an alias", () => {
    template.hasResourceProperties("AWS::KMS::Alias", {
      AliasName: "alias/treasury",
      TargetKeyId: { "Fn::GetAtt": [only(template, "AWS::KMS::Key"), "Arn"] },
    });
    synthesize({ aliasName: "payroll" }).hasResourceProperties("AWS::KMS::Alias", { AliasName: "alias/payroll" });
  });

  test("lets the function read the public key and sign, and write its log, and nothing else", () => {
    const key = { "Fn::GetAtt": [only(template, "AWS::KMS::Key"), "Arn"] };
    const log = { "Fn::GetAtt": [only(template, "AWS::Logs::LogGroup"), "Arn"] };
    const policies = Object.values(template.findResources("AWS::IAM::Policy"));
    assert.equal(policies.length, 1);
    assert.deepEqual(policies[0]?.["Properties"].PolicyDocument.Statement, [
      { Effect: "Allow", Action: ["logs:CreateLogStream", "logs:PutLogEvents"], Resource: log },
      { Effect: "Allow", Action: "kms:GetPublicKey", Resource: key },
      {
        Effect: "Allow",
        Action: "kms:Sign",
        Resource: key,
        Condition: { StringEquals: { "kms:SigningAlgorithm": "ECDSA_SHA_256", "kms:MessageType": "DIGEST" } },
      },
    ]);
    const role = only(template, "AWS::IAM::Role");
    assert.deepEqual(policies[0]?.["Properties"].Roles, [{ Ref: role }]);
    const { ManagedPolicyArns, Policies } = template.findResources("AWS::IAM::Role")[role]?.["Properties"] ?? {};
    assert.deepEqual([ManagedPolicyArns, Policies], [undefined, undefined]);
  });

  test("leaves the key to the account's IAM policies, and to no principal of another account", () => {
    template.hasResourceProperties("AWS::KMS::Key", {
      KeyPolicy: {
        Statement: [{ Effect: "Allow", Action: "kms:*", Resource: "*", Principal: { AWS: Match.anyValue() } }],
      },
    });
  });

  test("runs the function on Node 24, with the key's ARN and the chain, and never twice", () => {
    template.resourceCountIs("AWS::Lambda::Function", 1);
    template.hasResourceProperties("AWS::Lambda::Function", {
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      // Five requests of 10 seconds in turn, and some.
      Timeout: 60,
      Role: { "Fn::GetAtt": [only(template, "AWS::IAM::Role"), "Arn"] },
      Environment: {
        Variables: { KEY_ID: { "Fn::GetAtt": [only(template, "AWS::KMS::Key"), "Arn"] }, CHAIN_ID: "11155111" },
      },
      LoggingConfig: { LogGroup: { Ref: only(template, "AWS::Logs::LogGroup") } },
    });
    template.hasResourceProperties("AWS::Lambda::EventInvokeConfig", { MaximumRetryAttempts: 0 });
  });

  test("leaves a reference to a secret for CloudFormation to resolve", () => {
    const rpcUrl = "{{resolve:secretsmanager:treasury-rpc:SecretString}}";
    synthesize({ rpcUrl }).hasResourceProperties("AWS::Lambda::Function", {
      Environment: { Variables: { RPC_URL: rpcUrl } },
    });
  });

  test("passes the limits on", () => {
    const limits = { rpcUrl: "https://rpc.example", maxFeeGwei: "80", maxAmountEther: "2.5" };
    const expectedAddress = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
    synthesize({ ...limits, expectedAddress }).hasResourceProperties("AWS::Lambda::Function", {
      Environment: {
        Variables: {
          RPC_URL: "https://rpc.example",
          MAX_FEE_GWEI: "80",
          MAX_AMOUNT_ETHER: "2.5",
          EXPECTED_ADDRESS: expectedAddress,
        },
      },
    });
  });
});
