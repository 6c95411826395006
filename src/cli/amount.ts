import { parseUnits } from "ethers";
import { requireUsage } from "./errors.ts";

const UNITS: Readonly<Record<string, number>> = { wei: 0, gwei: 9, eth: 18, ether: 18 };

/**
 * An amount with its unit, in wei: `0.1ether`, `0.1 eth`, `25gwei`, `1wei`. A bare number other than 0 is refused, since
 * some tools read it as ether and others as wei.
 *
 * @throws CommandError USAGE.
 */
export function parseAmount(name: string, text: string): bigint {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  if (/^0+$/.test(number) && unit === "") return 0n;
  const decimals = UNITS[unit.toLowerCase()];
  requireUsage(
    number !== "" && decimals !== undefined,
    `--${name} must be an amount with its unit, such as 0.1ether, 25gwei or 1000wei`,
  );
  const [, fraction = ""] = number.split(".");
  requireUsage(
    fraction.length <= decimals,
    `--${name} has more than ${decimals} decimals, which ${unit} does not have`,
  );
  return parseUnits(number, decimals);
}
