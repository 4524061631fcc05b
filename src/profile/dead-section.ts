// Sections of desired properties that no agent reads any more: reported, never changed.

/** Key below `properties.desired` and what it was. */
export const DEAD_SECTIONS: ReadonlyMap<string, string> = new Map([
  ['azureiot*com^securityAgentConfiguration^1*0*0', 'settings for security agents older than 0.0.4 (July 2019)'],
]);
