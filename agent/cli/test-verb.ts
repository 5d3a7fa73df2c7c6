import { line } from '../ports/world.ts';
import { goodConfiguration } from './load-configuration.ts';
import { exit, type Verb } from './verb.ts';

export const testVerb: Verb = {
  name: 'test',
  summary: 'run the cases under tests: messages in, readings out',
  operands: '',
  flags: [],
  run: async (invocation, world) => {
    const config = await goodConfiguration(invocation, world);
    if (config === null) return exit.config;
    const { runConfigCase } = await import('./run-case.ts');
    const results = config.tests.map((testCase) => runConfigCase(config, testCase));
    const failed = results.filter((result) => !result.passed).length;
    if (invocation.flags.has('json')) {
      line(
        world.stdout,
        JSON.stringify(results, (_key, value: unknown) =>
          typeof value === 'bigint' ? value.toString() : value,
        ),
      );
    } else {
      for (const result of results) {
        line(world.stdout, `${result.passed ? 'pass' : 'FAIL'}  ${result.name}`);
        for (const difference of result.differences) line(world.stdout, `      ${difference}`);
      }
      line(world.stdout, `${results.length - failed} passed, ${failed} failed`);
    }
    return failed === 0 ? exit.ok : exit.found;
  },
};
