// Reads a CloudFormation template into the CDK, which refuses types, attributes and properties that CloudFormation does not have, and
// properties that are missing; and prints what the CDK makes of it as JSON.
//   node include-template.mjs FOLDER_WITH_THE_CDK TEMPLATE

import { createRequire } from "node:module";
import { join } from "node:path";

const [, , folder = "", templateFile = ""] = process.argv;
/** @type {(name: string) => any} */
const load = createRequire(join(folder, "package.json"));
const { App, Stack } = load("aws-cdk-lib");
const { Template } = load("aws-cdk-lib/assertions");
const { CfnInclude } = load("aws-cdk-lib/cloudformation-include");

// CfnInclude itself keeps a type or property that it does not know: CloudFormation's own schemas refuse it. Unless this is set, what
// they find is a warning.
const stack = new Stack(new App({ context: { "@aws-cdk/core:validateAgainstDefaultRules": true } }), "Cluster");
new CfnInclude(stack, "Template", { templateFile });
process.stdout.write(JSON.stringify(Template.fromStack(stack).toJSON()));
