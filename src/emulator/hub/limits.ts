// The hub's limits that tests and large simulations may change.

export interface HubLimits {
  /** Devices and modules together. */
  readonly identitiesMax: number;
  readonly modulesPerDeviceMax: number;
  readonly bulkEntriesMax: number;
  /** Rows of a query page; also the default page size. */
  readonly pageSizeMax: number;
  /** Automatic configurations and edge deployments together; 10 on a free hub. */
  readonly configurationsMax: number;
  /** Twin jobs that wait or run; 5 on S2, 10 on S3. */
  readonly activeJobsMax: number;
  /** The section must stay below it, by the hub's formula. */
  readonly tagsBytesMax: number;
  readonly desiredBytesMax: number;
  readonly reportedBytesMax: number;
}

/** As documented for a real hub (device-twin and quota pages). */
export const HUB_LIMITS: HubLimits = {
  identitiesMax: 1_000_000,
  modulesPerDeviceMax: 50,
  bulkEntriesMax: 100,
  pageSizeMax: 100,
  configurationsMax: 100,
  activeJobsMax: 1,
  tagsBytesMax: 8 * 1024,
  desiredBytesMax: 32 * 1024,
  reportedBytesMax: 32 * 1024,
};
