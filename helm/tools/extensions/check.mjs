// Checks objects of Kubernetes extensions: node check.mjs FILE.yaml...
//
// Twice: by the validators that their packages make from the definitions, for values; and by TypeScript, for which a
// field that does not exist in a written-out object is an error, for names.

import { readFileSync, writeFileSync } from "node:fs";
import ts from "typescript";
import { parse } from "yaml";

const packages = {
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
  "keda.sh": "@kubernetes-models/keda",
};

const complaints = [];
const program = [];
const files = process.argv.slice(2);
for (const [number, file] of files.entries()) {
  const object = parse(readFileSync(file, "utf8"));
  const [group, version] = object.apiVersion.split("/");
  const module = `${packages[group]}/${group}/${version}`;
  const Kind = (await import(`${module}/${object.kind}`))[object.kind];
  try {
    new Kind(object).validate();
  } catch (error) {
    complaints.push(`${file}: ${error.message}`);
  }
  program.push(
    `import type { I${object.kind} as T${number} } from "${module}/${object.kind}";`,
    `export const object${number}: T${number} = ${JSON.stringify(object)};`,
  );
}

const source = new URL("objects.ts", import.meta.url).pathname;
writeFileSync(source, program.join("\n") + "\n");
const compiled = ts.createProgram([source], {
  noEmit: true,
  strict: true,
  skipLibCheck: true,
  types: [],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
});
for (const diagnostic of ts.getPreEmitDiagnostics(compiled)) {
  const line = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start).line ?? 0;
  const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, " ");
  complaints.push(`${files[Math.floor(line / 2)]}: ${message}`);
}
for (const complaint of complaints) console.error(complaint);
process.exit(complaints.length > 0 || files.length === 0 ? 1 : 0);
