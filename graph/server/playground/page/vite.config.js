// One page and what it loads, named by content; worked out for any path that the page may be served below.
export default {
  base: "./",
  logLevel: "error",
  build: {
    assetsDir: "playground",
    assetsInlineLimit: 0, // an address of the kind data: would need an exception in the Content-Security-Policy
    chunkSizeWarningLimit: 10_000,
    license: { fileName: "licenses.md" }, // of what the bundle is made of
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { output: { keepNames: true } }, // icons are called as their functions are
  },
  worker: { format: "es" },
};
