// The certificates of the embedded hub: its own authority, and the server certificate that it issues.
import 'reflect-metadata';
import { createPrivateKey, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Clock } from '../../ports/clock.ts';

/** PEM. The key is a secret. */
export interface Authority {
  readonly certificate: string;
  readonly key: string;
}

/** PEM. The key is a secret; `authority` is the certificate that clients must trust. */
export interface ServerCertificate {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;
const AUTHORITY_DAYS = 3650;
/** The maximum that strict clients accept. */
const SERVER_DAYS = 397;
/** For clients whose clock is a little behind. */
const BACK_DATED_MS = DAY_MS;
const SUBJECT_NAME_LENGTH_MAX = 64;

export async function createAuthority(clock: Clock): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=Twinward embedded hub authority',
      serialNumber: '01',
      ...validity(clock, AUTHORITY_DAYS),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: certificate.toString('pem'), key: await privateKeyPem(keys.privateKey) };
}

/** For the hub's own name, which clients keep as host name, and for the addresses of this machine. */
export async function issueServerCertificate(
  authority: Authority,
  hostName: string,
  clock: Clock,
): Promise<ServerCertificate> {
  const issuer = new X509Certificate(authority.certificate);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.create(
    {
      subject: [{ CN: [hostName.slice(0, SUBJECT_NAME_LENGTH_MAX)] }],
      issuer: issuer.subject,
      serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString('hex'),
      ...validity(clock, SERVER_DAYS),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: await privateKey(authority.key),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        // Python's strict checks require both identifiers.
        await AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        new SubjectAlternativeNameExtension([
          ...[...new Set([hostName, 'localhost'])].map((value) => ({ type: 'dns', value }) as const),
          ...['127.0.0.1', '::1'].map((value) => ({ type: 'ip', value }) as const),
        ]),
      ],
    },
    webcrypto,
  );
  return {
    certificate: certificate.toString('pem'),
    key: await privateKeyPem(keys.privateKey),
    authority: authority.certificate,
  };
}

function validity(clock: Clock, days: number): { notBefore: Date; notAfter: Date } {
  const now = clock.now();
  return { notBefore: new Date(now - BACK_DATED_MS), notAfter: new Date(now + days * DAY_MS) };
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

async function privateKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}
