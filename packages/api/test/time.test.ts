import { describe, expect, it } from 'vitest';
import { formatDuration, formatMicroTime, formatTime, humanDuration, parseDuration, parseTime } from '../src/index.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe('times', () => {
  it('reads RFC 3339 and nothing else', () => {
    expect(parseTime('1970-01-01T00:00:01Z')).toBe(1000);
    expect(parseTime('1970-01-01T01:00:01.123456+01:00')).toBe(1123);
    expect(parseTime('1970-01-01')).toBeUndefined();
    expect(parseTime('1970-13-01T00:00:00Z')).toBeUndefined();
    expect(parseTime(undefined)).toBeUndefined();
  });

  it('writes seconds and microseconds', () => {
    expect(formatTime(1999)).toBe('1970-01-01T00:00:01Z');
    expect(formatMicroTime(1123)).toBe('1970-01-01T00:00:01.123000Z');
  });

  it('reads and writes durations as Go does', () => {
    expect(parseDuration('1h30m')).toBe(90 * minute);
    expect(parseDuration('1.5s')).toBe(1500);
    expect(parseDuration('-2ms')).toBe(-2);
    expect(parseDuration('5')).toBeUndefined();
    expect(formatDuration(90 * minute)).toBe('1h30m0s');
    expect(formatDuration(1500)).toBe('1.5s');
    expect(formatDuration(250)).toBe('250ms');
    expect(formatDuration(0)).toBe('0s');
  });

  it.each([
    [-2 * second, '<invalid>'],
    [0, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [2 * minute + 5 * second, '2m5s'],
    [10 * minute + 5 * second, '10m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [3 * hour + 5 * minute, '3h5m'],
    [8 * hour + 5 * minute, '8h'],
    [47 * hour, '47h'],
    [2 * day + 3 * hour, '2d3h'],
    [8 * day + 3 * hour, '8d'],
    [729 * day, '729d'],
    [730 * day, '2y'],
    [731 * day, '2y1d'],
    [8 * 365 * day, '8y'],
  ])('prints %d ms as %s', (ms, text) => {
    expect(humanDuration(ms)).toBe(text);
  });
});
