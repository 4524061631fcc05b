// The contract of the hub port on the embedded hub over HTTPS, through the real SDK.
import { embeddedWriters } from './embedded-writers.ts';
import { openHttpsHub } from './https-hub.ts';
import { describeHubContract } from './hub-contract.ts';

describeHubContract('the embedded hub over HTTPS', async () => {
  const { hub, embedded, secret, close } = await openHttpsHub();
  return {
    hub,
    others: embeddedWriters(embedded),
    prefix: 'contract-',
    secrets: [secret, 'SharedAccessSignature'],
    waitForLists: async () => false,
    close,
  };
});
