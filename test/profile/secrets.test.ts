// Values that look like a secret without a profile.
import { describe, expect, test } from 'vitest';
import { hideSecrets, looksSecret } from '../../src/profile/secrets.ts';

describe('a value looks secret', () => {
  test.each([
    ['uploadToken', 'abc', true],
    ['wifi_password', 'x', true],
    ['db', 'HostName=h;SharedAccessKeyName=n;SharedAccessKey=k', true],
    ['storage', 'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=k', true],
    ['blob', 'https://a.blob.core.windows.net/c?sv=1&sig=abcdefghijklmnopqrst', true],
    ['id', 'eyJhbGciOiJIUzI1NiJ9.e30.x', true],
    ['cert', '-----BEGIN PRIVATE KEY-----', true],
    ['apiKey', 'k', true],
    ['tokenLifetime', 3_600, false],
    ['password', '', false],
    ['scanInterval', 'PT6H', false],
    ['keyboard', 'qwerty', false],
    ['FileSystem_Paths', '/opt/atm', false],
  ])('%s: %j', (name, value, want) => {
    expect(looksSecret(name, value)).toBe(want);
  });
});

test('secrets are hidden wherever they lie, and what a profile knows stays', () => {
  const section = {
    appTeam: { token: 't1', list: ['SharedAccessKey=x', 'plain'] },
    secretRotation: 'PT1H',
    wrapped: { value: 'fine' },
    apart: { val: 'fine', ue: 'too' },
    password: { value: 'p' },
  };
  expect(hideSecrets(section, '-', (name) => name === 'secretRotation')).toEqual({
    appTeam: { token: '-', list: ['-', 'plain'] },
    secretRotation: 'PT1H',
    wrapped: { value: 'fine' },
    apart: { val: 'fine', ue: 'too' },
    password: { value: '-' },
  });
});
