// What the phone page needs besides its bundle: the worker's list of files to keep, and the manifest, under fixed names.

import type { Plugin } from "vite";

const PLACEHOLDER = "__FIELD_FILES__";

export function fieldFiles(): Plugin {
  return {
    name: "siteproof-field-files",
    enforce: "post",
    generateBundle(_, bundle) {
      const page = bundle["field.html"];
      const worker = bundle["field-worker.js"];
      if (page?.type !== "asset" || worker?.type !== "chunk") throw new Error("the phone page was not built");
      const html = String(page.source);
      const files = [...new Set(html.match(/\/assets\/[^"]+/g))];
      const icon = files.find((file) => file.endsWith(".svg"));
      if (icon === undefined || !worker.code.includes(PLACEHOLDER)) throw new Error("the phone page lacks a part");
      // The page's own content counts as well: a changed page is a changed worker, which is how browsers learn of it.
      worker.code = worker.code.replace(PLACEHOLDER, JSON.stringify({ version: hash(html), files }));
      this.emitFile({ type: "asset", fileName: "field.webmanifest", source: JSON.stringify(makeManifest(icon)) });
    },
  };
}

/** 32 bits of FNV-1a: enough to tell two builds apart. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value.toString(16);
}

function makeManifest(icon: string): object {
  return {
    id: "/field",
    name: "工程拍照 Siteproof",
    short_name: "工程拍照",
    lang: "zh-CN",
    start_url: "/field",
    scope: "/field",
    display: "standalone",
    orientation: "portrait",
    background_color: "#ffffff",
    theme_color: "#0b3f52",
    icons: [{ src: icon, sizes: "any", type: "image/svg+xml", purpose: "any" }],
  };
}
