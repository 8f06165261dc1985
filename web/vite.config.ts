import { defineConfig } from "vite";

// `npm run dev` serves the pages alone; what they ask of the API goes to a service that runs beside it.
declare const process: { env: Record<string, string | undefined> };
const SERVICE = process.env["SITEPROOF_URL"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../api/static",
    emptyOutDir: true,
    assetsDir: "assets",
    // The service's Content-Security-Policy knows neither inline scripts nor data: styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: { proxy: { "/v1": SERVICE } },
});
