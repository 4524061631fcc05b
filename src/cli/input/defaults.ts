// Where the demo lives unless somebody says otherwise; manifests/hub.yaml says the same.

export const DEMO_HOST_NAME = 'twinward-demo.azure-devices.net';
export const DEFAULT_PORT = 8443;
/** Of devices and modules together, as a real hub's. */
export const IDENTITIES_MAX = 1_000_000;
