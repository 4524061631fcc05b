import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // All cores: by itself one is left out, which is half of them on a small machine.
  test: { include: ['test/**/*.test.ts'], testTimeout: 30_000, maxWorkers: availableParallelism() },
});
