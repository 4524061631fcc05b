// Owners as records spell them.
import { describe, expect, test } from 'vitest';
import {
  configurationOwner,
  exceptionOwner,
  isConfigurationOwner,
  isExceptionOwner,
  ownerName,
  parseOwner,
} from '../../src/model/owner.ts';

describe('an owner on a twin', () => {
  test.each<[text: string, isConfiguration: boolean, isException: boolean, name: string]>([
    [configurationOwner('base.line'), true, false, 'base.line'],
    [exceptionOwner('inc-812'), false, true, 'inc-812'],
    ['SecurityConfiguration/a/b', true, false, 'a/b'],
    ['DeviceGroup/atms', false, false, 'atms'],
    ['securityconfiguration/a', false, false, 'a'],
    ['nonsense', false, false, 'nonsense'],
    ['', false, false, ''],
  ])('%j is kept as it is spelt', (text, isConfiguration, isException, name) => {
    const owner = parseOwner(text);
    expect([owner, isConfigurationOwner(owner), isExceptionOwner(owner)]).toEqual([text, isConfiguration, isException]);
    expect(ownerName(owner)).toBe(name);
  });
});
