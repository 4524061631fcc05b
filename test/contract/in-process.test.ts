// The contract of the hub port on the embedded hub in process.
import { inProcessHub } from '../../src/emulator/in-process-hub.ts';
import { newHub } from '../emulator/hub/new-hub.ts';
import { embeddedWriters } from './embedded-writers.ts';
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
