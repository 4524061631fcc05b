// The baseline of HTTPS without a hub: reads each request whole and answers with a fixed body of the given size. Prints
// its address and CA certificate once it is ready, and ends with its standard input.
import { createServer } from 'node:https';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { listen, LOOPBACK } from '../../src/emulator/listen.ts';
import { createAuthority, issueServerCertificate } from '../../src/emulator/rest/certificates.ts';
import { HOST_NAME } from '../fleet.ts';

const [bytes = 0] = process.argv.slice(2).map(Number);
const { certificate, key, authority } = await issueServerCertificate(
  await createAuthority(systemClock),
  HOST_NAME,
  systemClock,
);
const body = Buffer.alloc(bytes, ' ');
const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': bytes };
const server = createServer({ cert: certificate, key }, (request, response) => {
  request.on('end', () => response.writeHead(200, headers).end(body)).resume();
});
const port = await listen(server, LOOPBACK, 0);
console.log(JSON.stringify({ endpoint: `https://${LOOPBACK}:${port}`, ca: authority }));
process.stdin.resume().once('end', () => process.exit());
