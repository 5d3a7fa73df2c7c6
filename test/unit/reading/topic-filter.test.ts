import { describe, expect, it } from 'vitest';
import {
  filterCovers,
  filterProblem,
  filtersOverlap,
  matchesFilter,
  parseShared,
  topicProblem,
} from '#agent/reading/topic-filter.ts';

describe('topic filters', () => {
  // The examples of MQTT 5 §4.7.1 and §4.7.2.
  it.each([
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/#', 'sport', true],
    ['#', 'anything/at/all', true],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '$SYS/broker', false],
    ['+/monitor/Clients', '$SYS/monitor/Clients', false],
    ['$SYS/#', '$SYS/broker', true],
    ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
    ['ACCOUNTS', 'Accounts', false],
    ['$share/g/sport/+', 'sport/x', true],
    ['$share/g/#', '$SYS/x', false],
  ])('%s takes %s: %s', (filter, topic, taken) => {
    expect(matchesFilter(filter, topic)).toBe(taken);
  });

  it.each(['#', 'sport/tennis/#', '+', '+/tennis/#', 'sport/+/player1', '/', '$share/consumer1/sport/#'])(
    '%s is valid',
    (filter) => {
      expect(filterProblem(filter)).toBeNull();
    },
  );

  it.each([
    '',
    'sport/tennis#',
    'sport/tennis/#/ranking',
    'sport+',
    'a\0b',
    '$share/',
    '$share/g',
    '$share/g/',
    '$share//a',
    '$share/g+/a',
    '$share/g/a#',
    '\ud800',
    'é'.repeat(32_768),
  ])('%j is not valid', (filter) => {
    expect(filterProblem(filter)).toBeTypeOf('string');
  });

  it('has topics without wildcards', () => {
    expect(topicProblem('plant/1')).toBeNull();
    expect(topicProblem('plant/+')).toBeTypeOf('string');
    expect(topicProblem('a'.repeat(65_535))).toBeNull();
    expect(topicProblem('a'.repeat(65_536))).toBeTypeOf('string');
  });

  it('tells group and filter of a shared subscription apart', () => {
    expect(parseShared('$share/g/a/+')).toEqual({ group: 'g', filter: 'a/+' });
    expect(parseShared('a/+')).toBeNull();
  });

  it.each([
    ['a/+', '+/b', true, false],
    ['a/#', 'a', true, true],
    ['a/#', 'a/+/c', true, true],
    ['a/+', 'a/#', true, false],
    ['a/b', 'a/c', false, false],
    ['a/+', 'a/+', true, true],
    ['#', '$SYS/x', false, false],
    ['+/x', '$SYS/x', false, false],
    ['$share/g/a/+', 'a/b', true, true],
    ['a', 'a/b', false, false],
  ])('%s and %s overlap: %s, covers: %s', (outer, inner, overlap, covers) => {
    expect(filtersOverlap(outer, inner)).toBe(overlap);
    expect(filtersOverlap(inner, outer)).toBe(overlap);
    expect(filterCovers(outer, inner)).toBe(covers);
  });
});
