// Builds app.css and app.js into casework/web/static/build, under names that carry a hash of the content, each with a
// gzip copy beside it, and writes manifest.json: {"app.css": "app.<hash>.css", "app.js": "app.<hash>.js"}.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import esbuild from "esbuild";
import * as sass from "sass";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "casework", "web", "static", "build");

function styles() {
  const { css } = sass.compile(join(here, "src", "app.scss"), {
    style: "compressed",
    loadPaths: [join(here, "node_modules")],
  });
  return Buffer.from(css);
}

function script() {
  const { outputFiles } = esbuild.buildSync({
    absWorkingDir: here,
    entryPoints: ["src/app.js"],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2020",
    legalComments: "none",
    write: false,
  });
  return Buffer.from(outputFiles[0].contents);
}

/** Pages make no outside call, so nothing that the browser loads may point to another host or to another's brand. */
function refuseForeign(name, content) {
  const found = /url\(\s*["']?(?!data:)|@import|https?:\/\/(?!www\.w3\.org\/)[a-z0-9]|GDS Transport|govuk-crest/i.exec(content.toString());
  if (found) throw new Error(`${name} holds "${found.input.slice(found.index, found.index + 60)}", which points outside`);
}

const assets = { "app.css": styles(), "app.js": script() };
const manifest = {};
mkdirSync(target, { recursive: true });
for (const [name, content] of Object.entries(assets)) {
  refuseForeign(name, content);
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const hashed = name.replace(".", `.${hash}.`);
  const compressed = gzipSync(content, { level: 9 });
  writeFileSync(join(target, hashed), content);
  writeFileSync(join(target, `${hashed}.gz`), compressed);
  manifest[name] = hashed;
  console.log(`${hashed}: ${content.length} bytes, ${compressed.length} compressed`);
}

// The manifest appears last and at once, so that a server that reads it meanwhile finds what it names.
writeFileSync(join(target, "manifest.json.new"), JSON.stringify(manifest, null, 2) + "\n");
renameSync(join(target, "manifest.json.new"), join(target, "manifest.json"));
const kept = new Set(["manifest.json", ...Object.values(manifest).flatMap((file) => [file, `${file}.gz`])]);
for (const file of readdirSync(target)) if (!kept.has(file)) rmSync(join(target, file), { recursive: true });
