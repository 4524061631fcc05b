// How devices prove themselves: what is minted, taken and refused.
import { describe, expect, test } from 'vitest';
import { hubWithModule, MODULE, newHub, refusal } from '../new-hub.ts';

const KEY = Buffer.alloc(32, 1).toString('base64');
const THUMBPRINT = 'aB'.repeat(20);
const BAD_REQUEST = { status: 400, code: 'ArgumentInvalid', number: 400004, text: 'BadRequest', envelope: 1 };

describe('authentication', () => {
  const accepted: [sentence: string, authentication: unknown, type: string][] = [
    ['nothing is keys', undefined, 'sas'],
    ['the SDK’s empty keys are minted', { type: 'sas', symmetricKey: { primaryKey: '', secondaryKey: '' } }, 'sas'],
    ['selfSigned without a thumbprint', { type: 'selfSigned' }, 'selfSigned'],
    ['thumbprints without a type', { x509Thumbprint: { primaryThumbprint: THUMBPRINT } }, 'selfSigned'],
    ['a certificate authority', { type: 'certificateAuthority' }, 'certificateAuthority'],
  ];
  test.each(accepted)('%s', (_sentence, authentication, type) => {
    const { hub } = newHub();
    const device = hub.createDevice('d', { authentication });
    expect(device['authentication']).toMatchObject({ type });
    expect(hub.getTwin({ deviceId: 'd' })['authenticationType']).toBe(type);
    expect(hub.identityKeys({ deviceId: 'd' }) !== undefined).toBe(type === 'sas');
  });

  test('minted keys are base64 of 32 bytes and differ', () => {
    const { primary = '', secondary = '' } = hubWithModule().hub.identityKeys(MODULE) ?? {};
    expect(Buffer.from(primary, 'base64')).toHaveLength(32);
    expect(Buffer.from(secondary, 'base64').toString('base64')).toBe(secondary);
    expect(primary).not.toBe(secondary);
  });

  test('thumbprints keep their case', () => {
    const { hub } = newHub();
    hub.createDevice('d', { authentication: { x509Thumbprint: { primaryThumbprint: THUMBPRINT } } });
    expect(hub.getTwin({ deviceId: 'd' })['x509Thumbprint']).toEqual({
      primaryThumbprint: THUMBPRINT,
      secondaryThumbprint: null,
    });
  });

  const refused: [sentence: string, authentication: unknown][] = [
    ['none', { type: 'none' }],
    ['an unknown type', { type: 'magic' }],
    ['one key', { symmetricKey: { primaryKey: KEY } }],
    ['a key of 15 bytes', { symmetricKey: { primaryKey: Buffer.alloc(15).toString('base64'), secondaryKey: KEY } }],
    ['a key of 65 bytes', { symmetricKey: { primaryKey: Buffer.alloc(65).toString('base64'), secondaryKey: KEY } }],
    ['a key that is no base64', { symmetricKey: { primaryKey: '!'.repeat(24), secondaryKey: KEY } }],
    ['a thumbprint with separators', { x509Thumbprint: { primaryThumbprint: 'AB:CD' } }],
    ['a text', 'sas'],
  ];
  test.each(refused)('%s is refused for devices', (_sentence, authentication) => {
    expect(refusal(() => newHub().hub.createDevice('d', { authentication }))).toEqual(BAD_REQUEST);
  });
});
