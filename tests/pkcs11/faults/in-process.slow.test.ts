import { describeFaults } from "./suite.ts";

describeFaults("50 parallel callers, the library in this process", { isolated: false });
