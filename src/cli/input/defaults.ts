// Defaults of the demo; manifests/hub.yaml has the same.

export const DEMO_HOST_NAME = 'twinward-demo.azure-devices.net';
export const DEFAULT_PORT = 8443;
/** Devices and modules together, like a real hub. */
export const IDENTITIES_MAX = 1_000_000;
