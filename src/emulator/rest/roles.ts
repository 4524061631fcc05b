// Entra roles, and the data actions that each grants.

/** Below `Microsoft.Devices/IotHubs/`. */
export type DataAction =
  | 'devices/read'
  | 'devices/write'
  | 'devices/delete'
  | 'twins/read'
  | 'twins/write'
  | 'jobs/read'
  | 'jobs/write'
  | 'jobs/delete'
  | 'configurations/read'
  | 'configurations/write'
  | 'configurations/delete'
  | 'configurations/applyToEdgeDevice/action'
  | 'configurations/testQueries/action'
  | 'statistics/read';

/** As documented; a subscription's Owner has none of them. */
const GRANTS = {
  'IoT Hub Data Contributor': /^/,
  'IoT Hub Data Reader': /\/read$/,
  'IoT Hub Registry Contributor': /^devices\//,
  'IoT Hub Twin Contributor': /^twins\//,
} as const satisfies Readonly<Record<string, RegExp>>;

export type Role = keyof typeof GRANTS;

export const ROLES = Object.keys(GRANTS) as readonly Role[];

/** Unknown roles grant nothing. An endpoint without actions accepts only signatures. */
export function isGranted(roles: readonly string[], actions: readonly DataAction[] | undefined): boolean {
  return actions?.every((action) => ROLES.some((role) => roles.includes(role) && GRANTS[role].test(action))) === true;
}
