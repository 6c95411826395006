import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** A resource as it is sent: what it holds is for Azure's SDKs to know. */
export interface Resource {
  readonly type: string;
  readonly name: string;
  readonly location: string;
  readonly scope?: string;
  // biome-ignore lint/suspicious/noExplicitAny: as the next one.
  readonly sku: any;
  readonly dependsOn?: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape, which the tests look into.
  readonly properties: any;
}

interface Template {
  readonly parameters: Readonly<
    Record<string, { readonly defaultValue?: Json; readonly allowedValues?: readonly Json[] }>
  >;
  readonly variables?: Readonly<Record<string, Json>>;
  readonly resources: readonly (Readonly<Record<string, Json>> & { readonly condition?: Json })[];
}

export const SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001";
export const GROUP = `${SUBSCRIPTION}/resourceGroups/treasury`;
export const TENANT = "00000000-0000-0000-0000-00000000000f";

/**
 * What Azure Resource Manager would create: the resources whose condition holds, their expressions evaluated. It knows the
 * functions that the templates here use, and refuses every other.
 */
export function deployed(file: string, parameters: Readonly<Record<string, Json>>): readonly Resource[] {
  const template = JSON.parse(readFileSync(new URL(`../infrastructure/${file}`, import.meta.url), "utf8")) as Template;
  const evaluation = new Evaluation(template, parameters);
  const resources = template.resources.filter(({ condition = true }) => evaluation.value(condition) === true);
  return resources.map((resource) => evaluation.value(resource) as unknown as Resource);
}

class Evaluation {
  readonly #template: Template;
  readonly #parameters: Readonly<Record<string, Json>>;
  #tokens: string[] = [];

  constructor(template: Template, parameters: Readonly<Record<string, Json>>) {
    this.#template = template;
    this.#parameters = parameters;
  }

  /** A value of the template, in which text in brackets is an expression. */
  value(raw: Json): Json {
    if (typeof raw === "string") return raw.startsWith("[") ? this.#expression(raw.slice(1, -1)) : raw;
    if (typeof raw !== "object" || raw === null) return raw;
    if (Array.isArray(raw)) return raw.map((each) => this.value(each));
    return Object.fromEntries(Object.entries(raw).map(([name, each]) => [name, this.value(each)]));
  }

  #expression(text: string): Json {
    const outer = this.#tokens;
    this.#tokens = text.match(/'(?:[^']|'')*'|[A-Za-z]+|[(),.]|\S/g) ?? [];
    const value = this.#term();
    if (this.#tokens.length > 0) throw new Error(`${text} goes on after its end`);
    this.#tokens = outer;
    return value;
  }

  #term(): Json {
    const token = this.#tokens.shift() ?? "";
    if (token.startsWith("'")) return token.slice(1, -1).replaceAll("''", "'");
    const args = this.#arguments();
    let value = this.#call(token, args);
    while (this.#next === ".") {
      this.#expect(".");
      value = (value as Readonly<Record<string, Json>>)[this.#tokens.shift() ?? ""] ?? null;
      if (value === null) throw new Error(`${token}() has no such property`);
    }
    return value;
  }

  #arguments(): Json[] {
    this.#expect("(");
    const args: Json[] = [];
    while (this.#next !== ")") {
      args.push(this.#term());
      if (this.#next !== ")") this.#expect(",");
    }
    this.#expect(")");
    return args;
  }

  get #next(): string | undefined {
    return this.#tokens[0];
  }

  #expect(token: string): void {
    const found = this.#tokens.shift();
    if (found !== token) throw new Error(`expected ${token}, found ${found}`);
  }

  #call(name: string, args: readonly Json[]): Json {
    const [first, ...others] = args.map(String);
    if (name === "parameters") return this.#parameter(first ?? "");
    if (name === "variables") return this.value(required(this.#template.variables?.[first ?? ""], `variable ${first}`));
    if (name === "equals") return args[0] === args[1];
    if (name === "if") return required(args[0] === true ? args[1] : args[2], "a value of if()");
    if (name === "format")
      return (first ?? "").replace(/\{(\d)\}/g, (_, index) => required(others[Number(index)], "text"));
    if (name === "guid")
      return createHash("sha1")
        .update(args.join("-"))
        .digest("hex")
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, "$1-$2-$3-$4-$5");
    if (name === "resourceId") return resourceId(first ?? "", others);
    if (name === "resourceGroup") return { id: GROUP, name: "treasury", location: "westeurope" };
    if (name === "subscription") return { id: SUBSCRIPTION, tenantId: TENANT };
    throw new Error(`the function ${name} is not known here`);
  }

  #parameter(name: string): Json {
    const { defaultValue, allowedValues } = required(this.#template.parameters[name], `parameter ${name}`);
    const given = this.#parameters[name] ?? this.value(required(defaultValue, `a value for ${name}`));
    if (allowedValues && !allowedValues.includes(given)) throw new Error(`${name} may not be ${given}`);
    return given;
  }
}

function resourceId(type: string, names: readonly string[]): string {
  const [provider, ...types] = type.split("/");
  if (types.length !== names.length) throw new Error(`${type} needs ${types.length} names`);
  return `${GROUP}/providers/${provider}${types.map((each, index) => `/${each}/${names[index]}`).join("")}`;
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`there is no ${what}`);
  return value;
}
