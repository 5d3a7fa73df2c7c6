/**
 * How Node is started for an agent, from source and as one executable alike: a gateway's memory is worth more than a few percent of
 * throughput. The hard limit stands far above what the bounds of the rooms allow, so that it is never met by load. No flag stands
 * here that V8 counts into the identity of compiled code (--expose-gc, --heap-growing-percent): every thread would compile
 * Node's own modules anew. What collects early is set while running, by spare-memory.ts. scripts/sedge gives the same.
 */
export const runtimeFlags: readonly string[] = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=2',
  '--max-old-space-size=192',
  '--v8-pool-size=1',
];
