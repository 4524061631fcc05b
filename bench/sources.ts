// Manifests for the benchmarks: what a team would have for the demonstration fleet, and a thousand files of that kind.

export const HUB = `apiVersion: twinward.dev/v1alpha1
kind: Hub
metadata: {name: bench}
spec: {hostName: bench.azure-devices.net, mode: Enforce}
`;

export const HEAD = `${HUB}---
apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: acme-guard}
spec:
  extends: generic
  moduleId: acmeGuard
  section: /guard
  acknowledgement: {type: Mirror}
  sensitive: [uploadToken]
  deny: [uploadToken]
  schema:
    type: object
    additionalProperties: false
    properties:
      scanInterval: {type: string, format: duration}
      usbPolicy: {enum: [allow, audit, block]}
      quarantine: {type: boolean}
      logLevel: {enum: [error, warning, info]}
      maxReports: {type: integer, minimum: 0}
`;

/** Three to five layers for each device of the demonstration fleet. */
export const FLEET_SOURCE = [
  HEAD,
  group('prod', 'matchTags: {env: prod}'),
  group('lyon', 'matchTags: {site: lyon}'),
  group('early', 'matchExpressions: [{key: tags.ring, operator: In, values: ["0", "1"]}]'),
  group('cash', 'matchExpressions: [{key: tags.hw, operator: In, values: [atm, atm2]}]'),
  configuration('legacy-baseline', 'defender-legacy', 'selector: {matchAll: true}', 10, {
    highPriorityMessageFrequency: 'PT15M',
    lowPriorityMessageFrequency: 'PT6H',
    snapshotFrequency: 'PT12H',
    maxLocalCacheSizeInBytes: 2_560_000,
    maxMessageSizeInBytes: 204_800,
    eventPriorityProcessCreate: 'Low',
    eventPriorityListeningPorts: 'High',
    eventPriorityLocalUsers: 'High',
    eventPriorityLogin: 'High',
    eventPriorityFirewallConfiguration: 'Low',
    aggregationEnabledProcessCreate: true,
    aggregationIntervalProcessCreate: 'PT1H',
  }),
  configuration('legacy-prod', 'defender-legacy', 'groups: [prod]', 20, {
    eventPriorityProcessCreate: 'High',
    eventPriorityOSBaseline: 'High',
    snapshotFrequency: 'PT6H',
  }),
  configuration('legacy-lyon', 'defender-legacy', 'groups: [lyon]', 30, { highPriorityMessageFrequency: 'PT10M' }),
  configuration('legacy-early', 'defender-legacy', 'groups: [early]', 40, {
    eventPriorityConnectionCreate: 'High',
    aggregationIntervalProcessCreate: 'PT30M',
  }),
  configuration('micro-baseline', 'defender-micro-agent', 'selector: {matchAll: true}', 10, {
    CollectorsCore_PriorityIntervals: '30,120,1440',
    Baseline_Disabled: false,
    Baseline_MessageFrequency: 'Low',
    SystemInformation_MessageFrequency: 'Low',
    Heartbeat_MessageFrequency: 'Low',
    Login_MessageFrequency: 'High',
    NetworkActivity_MessageFrequency: 'Medium',
    NetworkActivity_Devices: 'eth0,eth1',
    Process_MessageFrequency: 'Medium',
    Process_Mode: 1,
    FileSystem_Paths: '/etc,/opt',
    FileSystem_Recursive: true,
    Peripheral_MessageFrequency: 'Low',
    IothubModule_MessageTimeout: 2_880,
  }),
  configuration('micro-prod', 'defender-micro-agent', 'groups: [prod]', 20, {
    Process_MessageFrequency: 'High',
    SBoM_Disabled: false,
    Login_UsePAM: true,
  }),
  configuration('micro-cash', 'defender-micro-agent', 'groups: [cash]', 30, {
    Peripheral_MessageFrequency: 'High',
    FileSystem_Paths: '/etc,/opt/atm',
  }),
  configuration('micro-lyon', 'defender-micro-agent', 'groups: [lyon]', 40, { NetworkActivity_CacheSize: 512 }),
  configuration('guard-baseline', 'acme-guard', 'selector: {matchAll: true}', 10, {
    scanInterval: 'PT6H',
    usbPolicy: 'block',
    quarantine: true,
    logLevel: 'warning',
    maxReports: 100,
  }),
  configuration('guard-early', 'acme-guard', 'groups: [early]', 20, { logLevel: 'info', scanInterval: 'PT1H' }),
].join('---\n');

export function group(name: string, selector: string): string {
  return `apiVersion: twinward.dev/v1alpha1
kind: DeviceGroup
metadata: {name: ${name}}
spec:
  selector:
    ${selector}
`;
}

export function configuration(
  name: string,
  profile: string,
  devices: string,
  priority: number,
  settings: Readonly<Record<string, string | number | boolean>>,
): string {
  const lines = Object.entries(settings).map(([key, value]) => `    ${key}: ${toYaml(value)}`);
  return `apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata:
  name: ${name}
spec:
  ${devices}
  profile: ${profile}
  module: {whenMissing: Skip}
  priority: ${priority}
  settings:
${lines.join('\n')}
`;
}

function toYaml(value: string | number | boolean): string {
  return typeof value === 'string' && /^[\d/]/.test(value) ? JSON.stringify(value) : String(value);
}
