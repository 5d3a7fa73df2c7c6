import { describe, expect, it } from 'vitest';
import { patternFilter, patternProblem, TopicRouter } from '#agent/reading/topic-match.ts';

describe('match patterns', () => {
  it.each(['plant/{plant}/{machine}/telemetry', '{a}/+/#', 'plain', '#'])('%s is valid', (pattern) => {
    expect(patternProblem(pattern)).toBeNull();
  });

  it.each(['{a}/{a}', 'x{a}', '{}', '{a b}', 'a/#/b', '', '$share/g/{a}', '}{'])(
    '%j is not valid',
    (pattern) => {
      expect(patternProblem(pattern)).toBeTypeOf('string');
    },
  );

  it('has the filter that takes the same topics', () => {
    expect(patternFilter('plant/{plant}/+/t/#')).toBe('plant/+/+/t/#');
  });
});

describe('TopicRouter', () => {
  it('turns named levels into tags', () => {
    const router = new TopicRouter([{ stream: 'vibration', match: 'plant/{plant}/{machine}/telemetry' }]);

    expect(router.route('plant/p3/m4/telemetry')).toEqual([
      { stream: 'vibration', tags: { machine: 'm4', plant: 'p3' } },
    ]);
    expect(router.route('plant/p3/m4/other')).toEqual([]);
    expect(router.route('plant/p3/m4/telemetry/more')).toEqual([]);
    expect(router.route('plant/p3')).toEqual([]);
  });

  it('gives a message to every stream that takes it, once each', () => {
    const router = new TopicRouter([
      { stream: 'a', match: ['x/{k}', 'x/#'] },
      { stream: 'b', match: '#' },
      { stream: 'c', match: 'y' },
    ]);

    expect(router.route('x/1').map((route) => [route.stream, route.tags])).toEqual([
      ['a', { k: '1' }],
      ['b', {}],
    ]);
    expect(router.route('x').map((route) => route.stream)).toEqual(['a', 'b']);
    expect(router.route('$SYS/x')).toEqual([]);
  });

  it('gives equal tags as one object, also after it forgot the topic', () => {
    const router = new TopicRouter([{ stream: 's', match: '{m}/+' }], { cacheLimit: 2 });
    const first = router.route('m1/a')[0]!.tags;

    for (let i = 0; i < 10; i++) router.route(`other/${i}`);

    expect(router.route('m1/b')[0]!.tags).toBe(first);
    expect(router.route('m1/a')[0]!.tags).toBe(first);
  });

  it('keeps a tag named __proto__ as a tag', () => {
    const router = new TopicRouter([{ stream: 's', match: '{__proto__}' }]);

    const { tags } = router.route('evil')[0]!;

    expect(Object.keys(tags)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(tags)).toBe(Object.prototype);
  });
});
