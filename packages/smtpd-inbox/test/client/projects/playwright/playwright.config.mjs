export default {
  testMatch: '*.spec.mjs',
  fullyParallel: true,
  workers: 2,
  reporter: 'json',
  // Beside the sources it would be taken for one.
  outputDir: '../../../../../../node_modules/.cache/fixtures-playwright',
};
