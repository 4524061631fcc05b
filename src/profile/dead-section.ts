// Sections of desired properties that no agent reads any more: named where they are found, never touched.

/** Key below `properties.desired` to what it once was. */
export const DEAD_SECTIONS: ReadonlyMap<string, string> = new Map([
  ['azureiot*com^securityAgentConfiguration^1*0*0', 'settings for security agents older than 0.0.4 (July 2019)'],
]);
