// Decide requests with iam-simulate: node simulate.mjs PACKAGE_DIRECTORY, with policies and requests on standard input.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [directory] = process.argv.slice(2);
const { runSimulation, runUnsafeSimulation } = await import(pathToFileURL(resolve(directory, "dist/esm/index.js")));
const { account, policies, keyPolicy, requests } = JSON.parse(await readFile("/dev/stdin", "utf8"));

async function verdict({ policy, action, resource, context }) {
  const simulation = {
    request: {
      principal: `arn:aws:iam::${account}:role/deployer`,
      action,
      resource: { resource, accountId: account },
      contextVariables: context,
    },
    identityPolicies: [{ name: policy, policy: policies[policy] }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  };
  // What a request may have is checked by the sandbox's own tests: here only the policies are evaluated.
  if (!action.toLowerCase().startsWith("kms:")) return runUnsafeSimulation(simulation, {});
  // A policy of a resource is taken only where the request is checked too. An action or a key that AWS does not have is allowed by nothing.
  const found = await runSimulation({ ...simulation, resourcePolicy: keyPolicy }, {});
  return found.resultType === "error" ? "ImplicitlyDenied" : found.overallResult;
}

const verdicts = [];
for (const request of requests) verdicts.push(await verdict(request));
console.log(JSON.stringify(verdicts));
