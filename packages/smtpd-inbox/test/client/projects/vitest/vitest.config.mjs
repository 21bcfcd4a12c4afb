export default { test: { include: ['*.spec.mjs'], maxWorkers: 2, testTimeout: 20_000, hookTimeout: 20_000 } };
