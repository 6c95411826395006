export { type RemoteViemAccount, toViemAccount, type ViemAccountOptions } from "./account.ts";
