// The tiers of IoT Hub that have twins.

export const TIERS = ['F1', 'S1', 'S2', 'S3'] as const;

export type Tier = (typeof TIERS)[number];
