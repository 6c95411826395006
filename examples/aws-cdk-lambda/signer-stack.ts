import { fileURLToPath } from "node:url";
import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import { Effect, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key, KeySpec, KeyUsage } from "aws-cdk-lib/aws-kms";
import { Architecture, Runtime } from "aws-cdk-lib/aws-lambda";
import { NodejsFunction, OutputFormat } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";

export interface SignerStackProps extends StackProps {
  /** Of the one chain that the function signs for. */
  readonly chainId: number;
  /** Default: "treasury", for `alias/treasury`. */
  readonly aliasName?: string | undefined;
  /** Default: nothing can be sent, and each request brings its fees. */
  readonly rpcUrl?: string | undefined;
  /** The most that a transaction may offer per gas, in gwei. Default: "100". */
  readonly maxFeeGwei?: string | undefined;
  /** The most that a transaction may pay, in ether. Default: no limit. */
  readonly maxAmountEther?: string | undefined;
  /** The account, once it is known: with it a key of another account signs nothing. */
  readonly expectedAddress?: string | undefined;
  /**
   * What becomes of the key with the stack. A key that is deleted takes its account's money with it. Default: RETAIN; with
   * DESTROY the key is scheduled for deletion, 7 days later.
   */
  readonly removalPolicy?: RemovalPolicy.RETAIN | RemovalPolicy.DESTROY | undefined;
}

/** A secp256k1 key in AWS KMS, its alias, and a function that may read its public half and sign with it, and nothing else. */
export class SignerStack extends Stack {
  constructor(scope: Construct, id: string, props: SignerStackProps) {
    super(scope, id, props);
    const { aliasName = "treasury", removalPolicy = RemovalPolicy.RETAIN } = props;
    const key = new Key(this, "Key", {
      keySpec: KeySpec.ECC_SECG_P256K1,
      keyUsage: KeyUsage.SIGN_VERIFY,
      description: `Ethereum account of ${aliasName}`,
      removalPolicy,
      pendingWindow: Duration.days(removalPolicy === RemovalPolicy.DESTROY ? 7 : 30),
    });
    key.addAlias(aliasName);

    const logGroup = new LogGroup(this, "Log", { retention: RetentionDays.ONE_YEAR, removalPolicy });
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    logGroup.grantWrite(role);
    for (const statement of signingStatements(key.keyArn)) role.addToPolicy(statement);

    const signer = new NodejsFunction(this, "Function", {
      entry: fileURLToPath(new URL("handler.ts", import.meta.url)),
      depsLockFilePath: fileURLToPath(new URL("package-lock.json", import.meta.url)),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 1024,
      // One payment asks five times in turn, for up to 10 seconds each: the RPC for its chain and for the fees, KMS for the public
      // key and for the signature, and the RPC to send it.
      timeout: Duration.seconds(60),
      role,
      logGroup,
      // An invocation that failed is not run again behind the caller's back.
      retryAttempts: 0,
      environment: environment(key.keyArn, props),
      bundling: {
        format: OutputFormat.CJS,
        minify: true,
        // The SDK that was tested, in one file with the rest: the runtime's own is another version, and slower to load.
        bundleAwsSDK: true,
        mainFields: ["module", "main"],
      },
    });

    new CfnOutput(this, "FunctionName", { value: signer.functionName });
    new CfnOutput(this, "KeyArn", { value: key.keyArn });
  }
}

/**
 * What signing needs. The conditions stand with kms:Sign alone, since GetPublicKey does not carry them: beside it they would
 * forbid it.
 */
function signingStatements(keyArn: string): PolicyStatement[] {
  return [
    new PolicyStatement({ effect: Effect.ALLOW, actions: ["kms:GetPublicKey"], resources: [keyArn] }),
    new PolicyStatement({
      effect: Effect.ALLOW,
      actions: ["kms:Sign"],
      resources: [keyArn],
      conditions: { StringEquals: { "kms:SigningAlgorithm": "ECDSA_SHA_256", "kms:MessageType": "DIGEST" } },
    }),
  ];
}

/** The key is named by its ARN: a principal that may move the alias cannot move the account. */
function environment(keyArn: string, props: SignerStackProps): Record<string, string> {
  const { chainId, rpcUrl, maxFeeGwei, maxAmountEther, expectedAddress } = props;
  return {
    KEY_ID: keyArn,
    CHAIN_ID: `${chainId}`,
    ...(rpcUrl === undefined ? {} : { RPC_URL: rpcUrl }),
    ...(maxFeeGwei === undefined ? {} : { MAX_FEE_GWEI: maxFeeGwei }),
    ...(maxAmountEther === undefined ? {} : { MAX_AMOUNT_ETHER: maxAmountEther }),
    ...(expectedAddress === undefined ? {} : { EXPECTED_ADDRESS: expectedAddress }),
  };
}
