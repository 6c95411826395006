import { describeFaults } from "./suite.ts";

describeFaults("50 parallel callers, the library in a process of its own", { isolated: true });
