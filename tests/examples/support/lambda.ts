import { Child } from "./child.ts";

export interface LambdaOptions {
  /** The Node binary of the function's runtime. */
  readonly node: string;
  /** The folder that was deployed. */
  readonly folder: string;
  /** As in the template: `index.handler`. */
  readonly handler: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

type Reply = { readonly payload?: string; readonly functionError?: string };

/** One container of a Lambda function: a process that keeps what the function's module made. */
export class Lambda {
  readonly nodeVersion: string;
  readonly #child: Child<string, { readonly event: unknown }, Reply>;

  private constructor(child: Child<string, { readonly event: unknown }, Reply>, nodeVersion: string) {
    this.#child = child;
    this.nodeVersion = nodeVersion;
  }

  static async start({ node, folder, handler, env }: LambdaOptions): Promise<Lambda> {
    const args = [folder, handler];
    const child = new Child<string, { readonly event: unknown }, Reply>({
      node,
      program: "lambda-runtime.mjs",
      args,
      env,
    });
    return new Lambda(child, await child.ready);
  }

  /** @returns the answer, through JSON both ways. @throws what Lambda would call a function error. */
  async invoke(event: unknown): Promise<unknown> {
    const { payload, functionError } = await this.#child.ask({ event: JSON.parse(JSON.stringify(event)) });
    if (payload === undefined) throw new Error(functionError);
    return JSON.parse(payload);
  }

  /** @returns what it wrote, which goes to the function's log. */
  stop(): Promise<string> {
    return this.#child.stop();
  }
}
