/**
 * What a server does before it is measured. JavaScript becomes machine code while it runs, on threads whose CPU time is the server's,
 * and it takes Node 24 some 30,000 messages, three times as many as Node 20, until little is left to compile (docs/performance.md,
 * "On newer Nodes"): measured earlier, a message seems dearer there than it is.
 */

/**
 * @param load as the generator is given it; of how much it says nothing here
 * @returns when all runs are through; fails with the first that does
 */
export async function warmUp(server, load, generator) {
  for (const seconds of RUNS_SECONDS) await generator.run(server.port, { ...load, seconds, messages: 0 });
}

/** The first one is short: what is compiled without ever having seen a session end is thrown away at the first end, and made anew. */
const RUNS_SECONDS = [0.6, 2.4];
