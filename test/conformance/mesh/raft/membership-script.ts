import {
  changeSimply,
  endJoint,
  enterJoint,
  type ChangeProblem,
  type DraftResult,
} from '#agent/mesh/raft/membership/changer.ts';
import { Tracker } from '#agent/mesh/raft/tracker/tracker.ts';
import { parseSteps } from './change-text.ts';
import { ScriptError, type Directive } from './datadriven.ts';
import { describeMembership, describeProgressOf } from './describe.ts';
import { parseBool } from './go-format.ts';

const problemTexts: Readonly<Record<ChangeProblem, string>> = {
  'already-joint': 'config is already joint',
  'not-joint': "can't leave a non-joint config",
  'no-voters-to-leave': "can't make a zero-voter config joint",
  'joint-needs-leave': "can't apply simple config change in joint config",
  'several-voters-changed': 'more than one voter changed without entering joint config',
  'all-voters-removed': 'removed all voters',
};

/** `simple`, `enter-joint` and `leave-joint` on one membership, whose log grows by one entry a directive. */
export class MembershipScript {
  readonly #tracker = new Tracker({ messagesMax: 10, bytesMax: Infinity });
  #lastIndex = 0;

  run(directive: Directive): string {
    const base = { tracker: this.#tracker, lastIndex: this.#lastIndex++ };
    const steps = parseSteps(directive.input);
    if (typeof steps === 'string') return steps;
    let result: DraftResult;
    if (directive.command === 'simple') result = changeSimply(base, steps);
    else if (directive.command === 'enter-joint') {
      const auto = directive.args.find(({ key }) => key === 'autoleave')?.values[0];
      result = enterJoint(base, auto !== undefined && parseBool(auto) === true, steps);
    } else if (directive.command === 'leave-joint') {
      if (steps.length > 0) return 'this command takes no input\n';
      result = endJoint(base);
    } else throw new ScriptError(`line ${directive.line}: unknown command ${directive.command}`);
    if (!result.ok) return `${problemTexts[result.error]}\n`;
    this.#tracker.switchTo(result.value, result.value.progress);
    return `${describeMembership(result.value)}\n${describeProgressOf(this.#tracker.progress)}`;
  }
}
