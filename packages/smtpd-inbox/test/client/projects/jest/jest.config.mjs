export default { testMatch: ['**/*.spec.mjs'], transform: {}, maxWorkers: 2, cache: false, testTimeout: 20_000 };
