export default { testMatch: '*.spec.mjs', fullyParallel: true, workers: 2, reporter: 'json' };
