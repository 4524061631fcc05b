// The address that a controller listens on.
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { listen } from '../../src/server/listen.ts';

const app = new Hono();

test('an address in use is said so, with what to do', async () => {
  const first = await listen(app, '127.0.0.1:0');
  await expect(listen(app, `127.0.0.1:${first.port}`)).rejects.toMatchObject({
    message: `Could not listen on 127.0.0.1:${first.port}: it is in use.`,
    hint: 'Choose another with --bind-address.',
  });
  await first.close();
});

test.each(['nowhere', '127.0.0.1', '127.0.0.1:99999', '::1:80'])('"%s" is no address', async (address) => {
  await expect(listen(app, address)).rejects.toThrow('is not an address to listen on');
});
