/** Times in milliseconds. Defaults are for an edge LAN with lossy radio; the README says where each comes from. */
export interface SwimParameters {
  /** One agent is probed per interval; stretched by local health and by round trips. */
  readonly probeIntervalMs: number;
  /** Least wait for the answer to a direct ping; grows with the p99 of round trips. ≤ probeIntervalMs / 2 */
  readonly probeTimeoutMs: number;
  readonly probeTimeoutMsMax: number;
  /** Helpers asked when a direct ping stays unanswered. */
  readonly indirectProbes: number;
  /** Pings sent to the target itself meanwhile, evenly over the rest of the probe, over both lanes in turns. */
  readonly repeatedPings: number;
  /** Least suspicion = this × max(1, log10 n) × probe interval; confirmations wanted = this − 2. */
  readonly suspicionMultiplier: number;
  /** Longest suspicion = this × the least. */
  readonly suspicionStretch: number;
  /** Suspicion when enough agents were refused by the suspect's host: its process is gone. */
  readonly refusedSuspicionMs: number;
  /** Other agents that must have been refused too. */
  readonly refusedConfirmations: number;
  /** A claim is sent this × max(2, ceil(log10(n + 1))) times by each agent. */
  readonly retransmitMultiplier: number;
  readonly gossipIntervalMs: number;
  readonly gossipFanout: number;
  /** Unreachable agents are still told the news this long, so that they hear of the accusation. */
  readonly gossipToUnreachableMs: number;
  /** Digests are compared with one agent this often, less often above 32 agents. */
  readonly exchangeIntervalMs: number;
  /** One unreachable agent is tried this often. */
  readonly reconnectIntervalMs: number;
  /** First and longest wait between attempts to reach a seed while alone. */
  readonly joinRetryMs: number;
  readonly joinRetryMsMax: number;
  /** An agent that spoke for itself has this long to answer a ping. */
  readonly admissionMs: number;
  /** How long a leaving agent stays to spread its word. */
  readonly leaveMs: number;
  /** A deadline missed by more than this means that we stood still: nobody is blamed for that time. */
  readonly pauseMs: number;
  /** Unreachable, left and removed agents are remembered this long, kept agents for ever. */
  readonly rememberMs: number;
  /** Half of a flap score is forgiven in this time. */
  readonly flapHalfLifeMs: number;
  /** From this score on an agent counts as flapping, until its score falls below `calmBelow`. */
  readonly flapsFrom: number;
  readonly calmBelow: number;
  /** Incarnations reserved by one write to disk. */
  readonly incarnationStride: number;
}

export const edgeLan: SwimParameters = {
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  probeTimeoutMsMax: 2_000,
  indirectProbes: 3,
  repeatedPings: 13,
  suspicionMultiplier: 4,
  suspicionStretch: 6,
  refusedSuspicionMs: 1_000,
  refusedConfirmations: 2,
  retransmitMultiplier: 7,
  gossipIntervalMs: 200,
  gossipFanout: 4,
  gossipToUnreachableMs: 60_000,
  exchangeIntervalMs: 10_000,
  reconnectIntervalMs: 30_000,
  joinRetryMs: 1_000,
  joinRetryMsMax: 30_000,
  admissionMs: 10_000,
  leaveMs: 1_000,
  pauseMs: 500,
  rememberMs: 86_400_000,
  flapHalfLifeMs: 60_000,
  flapsFrom: 2.5,
  calmBelow: 1,
  incarnationStride: 16,
};
