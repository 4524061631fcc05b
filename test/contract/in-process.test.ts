// The contracts of the hub port and of the change feed on the embedded hub in process.
import { inProcessFeed } from '../../src/emulator/in-process-feed.ts';
import { inProcessHub } from '../../src/emulator/in-process-hub.ts';
import { HubError } from '../../src/model/errors.ts';
import { hubNameOf } from '../../src/model/hub-name.ts';
import { newHub } from '../emulator/hub/new-hub.ts';
import { embeddedWriters } from './embedded-writers.ts';
import { describeFeedContract } from './feed-contract.ts';
import { describeHubContract } from './hub-contract.ts';

describeHubContract('the embedded hub in process', async () => {
  const { hub } = newHub();
  return {
    hub: inProcessHub(hub),
    others: embeddedWriters(hub),
    prefix: 'contract-',
    secrets: [],
    waitForLists: async () => false,
    close: async () => {},
  };
});

describeFeedContract('the embedded hub in process', async () => {
  const { hub } = newHub();
  const feed = inProcessFeed(hub);
  return {
    feed,
    others: embeddedWriters(hub),
    hubName: hubNameOf(hub.hostName),
    prefix: 'contract-',
    secrets: [],
    cut: async () => feed.fail(new HubError('Unavailable', 'The connection was cut.')),
    close: async () => {},
  };
});
