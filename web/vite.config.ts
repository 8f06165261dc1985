import { defineConfig } from "vite";

import { fieldFiles } from "./field-plugin.ts";

// `npm run dev` serves the pages alone; what they ask of the API goes to a service that runs beside it.
declare const process: { env: Record<string, string | undefined> };
const SERVICE = process.env["SITEPROOF_URL"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [fieldFiles()],
  build: {
    rollupOptions: {
      input: { index: "index.html", field: "field.html", "field-worker": "src/field/worker.ts" },
      // A worker's address is its identity, so it keeps its name.
      output: { entryFileNames: (chunk) => (chunk.name === "field-worker" ? "[name].js" : "assets/[name]-[hash].js") },
    },
    outDir: "../api/static",
    emptyOutDir: true,
    assetsDir: "assets",
    // The service's Content-Security-Policy knows neither inline scripts nor data: styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Old phones: Chrome 80, Safari 14.
    target: "es2020",
  },
  server: { proxy: { "/v1": SERVICE } },
});
