// Shows what /_sandbox/console/view answers, again and again. Texts come from logs and names, so they are never taken as HTML.
"use strict";

const REFRESH_MILLISECONDS = 3000;
const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.onclick = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString();
const status = (text, kind) => element("span", { class: kind }, text);

function table(heads, rows, nothing) {
  if (!rows.length) return element("p", { class: "quiet" }, nothing);
  const cell = (one) => (one instanceof HTMLTableCellElement ? one : element("td", {}, one));
  return element(
    "table", {},
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell)))),
  );
}

async function ask(path, options = {}) {
  const answer = await fetch(path, options);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message || body.Message || `${path}: ${answer.status}`);
  return body;
}

async function change(method, path, body, done) {
  try {
    await ask(path, { method, body: body && JSON.stringify(body), headers: { "Content-Type": "application/json" } });
    byId("message").textContent = done;
  } catch (error) {
    byId("message").textContent = `Not done: ${error.message}`;
  }
  await refresh();
}

function graph(title, points, view, write) {
  const from = view.at - view.window.seconds;
  const x = (at) => (100 * (at - from)) / view.window.seconds;
  const shown = points.filter(([at]) => at >= from);
  const highest = Math.max(...shown.map(([, value]) => value), 0);
  const drawn = shape("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", role: "img", "aria-label": title });
  drawn.append(shape("line", { class: "base", x1: 0, x2: 100, y1: 40, y2: 40 }));
  for (const release of view.releases) {
    if (release.started_at < from) continue;
    const at = x(release.started_at);
    const line = shape("line", { class: "release", x1: at, x2: at, y1: 0, y2: 40 });
    line.append(Object.assign(document.createElementNS(SVG, "title"), { textContent: `release ${release.id}` }));
    drawn.append(line);
  }
  const y = (value) => (highest ? 40 - (38 * value) / highest : 40);
  // One point alone would be no line.
  const line = shown.length === 1 ? [shown[0], [shown[0][0] + view.window.seconds / 100, shown[0][1]]] : shown;
  drawn.append(shape("polyline", { points: line.map(([at, value]) => `${x(at)},${y(value)}`).join(" ") }));
  const last = shown.length ? write(shown[shown.length - 1][1]) : "no data";
  return element("figure", {}, element("figcaption", {}, `${title}: ${last}`), drawn);
}

function together(first = [], second = []) {
  const sums = new Map(first);
  for (const [at, value] of second) sums.set(at, (sums.get(at) || 0) + value);
  return [...sums].sort(([one], [other]) => one - other);
}

const shares = (rule) => {
  const total = Object.values(rule.weights).reduce((sum, weight) => sum + weight, 0);
  return Object.entries(rule.weights).map(([name, weight]) => [name, total ? (100 * weight) / total : 0]);
};
const percent = (share) => `${share.toFixed(share % 1 ? 1 : 0)} %`;
const conditions = (rule) => rule.conditions.join(", ") || "every request";

// Rules with the same target groups are one service's: the one with the fewest conditions is what users meet.
function showTraffic(view) {
  const services = new Map();
  for (const rule of view.rules) {
    const key = Object.keys(rule.weights).sort().join(" ");
    services.set(key, [...(services.get(key) || []), rule]);
  }
  const blocks = [...services.values()].map((rules) => {
    const [main, ...others] = rules.sort((one, other) => one.conditions.length - other.conditions.length);
    return element(
      "div", { class: "rule" },
      element("h3", {}, `${main.load_balancer}, ${main.listener}, rule ${main.priority}: ${conditions(main)}`),
      ...shares(main).map(([name, share], number) => groupRow(view, name, share, number)),
      ...others.map((rule) => element(
        "p", { class: "quiet" },
        `rule ${rule.priority}: ${conditions(rule)} → ${shares(rule).map(([name, share]) => `${name} ${percent(share)}`).join(", ")}`,
      )),
    );
  });
  byId("traffic").replaceChildren(...(blocks.length ? blocks : [element("p", { class: "quiet" }, "No rule forwards requests.")]));
}

function groupRow(view, name, share, number) {
  const targets = (view.target_groups.find((group) => group.name === name) || { targets: [] }).targets;
  const healthy = targets.filter((target) => target.state === "healthy").length;
  const why = targets.filter((target) => target.reason).map((target) => `${target.address} ${target.state}: ${target.reason}`);
  const found = view.graphs[name] || {};
  const count = (value) => String(Math.round(value));
  return element(
    "div", { class: number % 2 ? "group second" : "group", "data-target-group": name },
    element("div", { title: why.join("\n") }, `${name} `,
      status(`${healthy} of ${targets.length} healthy`, healthy === targets.length && (healthy || !share) ? "quiet" : "bad")),
    element("div", {}, percent(share), bar(share)),
    graph("requests a minute", found.requests || [], view, count),
    graph("errors a minute", together(found.errors, found.refused), view, count),
    graph("p95", found.p95 || [], view, (value) => `${Math.round(value * 1000)} ms`),
  );
}

function bar(share) {
  const filled = element("i");
  filled.style.width = `${share}%`;
  return element("div", { class: "bar" }, filled);
}

function showTables(view) {
  const alarm = { OK: "good", ALARM: "bad" };
  byId("alarms").replaceChildren(table(
    ["State", "Alarm"],
    view.alarms.map((one) => [status(one.state, alarm[one.state] || "unknown"), element("td", { title: one.reason }, one.name)]),
    "There are no alarms.",
  ));
  const outcome = { succeeded: "good", "": "unknown" };
  byId("releases").replaceChildren(table(
    ["Began", "Service", "Kind", "Outcome", "Why"],
    view.releases.map((one) => [
      clock(one.started_at), `${one.environment} ${one.service}`, one.kind,
      status(one.outcome || one.phase, outcome[one.outcome] || "bad"), element("td", { class: "wide" }, one.reason),
    ]),
    "There are no releases.",
  ));
  byId("services").replaceChildren(table(
    ["Cluster", "Service", "Running", "Desired", "Task definition", "Rollout"],
    view.services.map((one) => [
      one.cluster, one.name, status(`${one.running}`, one.running < one.desired ? "bad" : ""), `${one.desired}`,
      one.definition, one.rollout,
    ]),
    "There are no services.",
  ));
  const health = { HEALTHY: "good", UNHEALTHY: "bad" };
  byId("tasks").replaceChildren(table(
    ["Task", "Group", "Task definition", "Status", "Health", "Address", "Zone", "Since", ""],
    view.tasks.map((one) => [
      one.id.slice(0, 12), one.group, one.definition, one.status, status(one.health, health[one.health] || "quiet"), one.address,
      one.zone, clock(one.since),
      element("button", {
        type: "button", "data-kill": one.id,
        onclick: () => change("POST", "/_sandbox/kill", { subject: one.id }, `Task ${one.id} was killed.`),
      }, "Kill"),
    ]),
    "No task runs.",
  ));
}

// Where the options are the same as before they stay, so that an open list does not close.
function choose(select, values) {
  const before = [...select.options].map((option) => option.value).filter(Boolean);
  if (before.join("\n") === values.join("\n")) return;
  const chosen = select.value;
  const kept = [...select.options].filter((option) => !option.value);
  select.replaceChildren(...kept, ...values.map((value) => element("option", { value }, value)));
  if (values.includes(chosen)) select.value = chosen;
}

function showFaults(view, faults) {
  const kind = byId("fault").elements.kind.value;
  const zones = [...new Set(view.tasks.map((task) => task.zone).filter(Boolean))].sort();
  choose(byId("fault").elements.subject, kind === "zone" ? zones : view.target_groups.map((group) => group.name));
  byId("fault").elements.milliseconds.parentElement.hidden = kind !== "slow";
  byId("fault").elements.percent.parentElement.hidden = kind === "zone";
  byId("faults").replaceChildren(table(
    ["Fault", "Of", ""],
    faults.map((one) => [
      one.kind, one.subject.split("/").slice(-2)[0] || one.subject,
      element("button", {
        type: "button", "data-clear": one.id,
        onclick: () => change("DELETE", `/_sandbox/faults?id=${encodeURIComponent(one.id)}`, null, `Fault ${one.id} has ended.`),
      }, "End it"),
    ]),
    "No fault is on.",
  ));
}

async function showLog(view) {
  choose(byId("group"), view.log_groups);
  const group = byId("group").value;
  const box = byId("log");
  if (!group) {
    box.textContent = "";
    return;
  }
  const lines = (await ask(`log?group=${encodeURIComponent(group)}`)).lines;
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 30;
  box.textContent = lines.map((line) => `${clock(line.at)} ${line.text}`).join("\n") || "Nothing in the last two minutes.";
  if (atEnd) box.scrollTop = box.scrollHeight;
}

async function refresh() {
  try {
    const [view, { faults }] = await Promise.all([ask("view"), ask("/_sandbox/faults")]);
    byId("machine").textContent = `${view.machine} ${clock(view.at)}`;
    showTraffic(view);
    showTables(view);
    showFaults(view, faults);
    await showLog(view);
  } catch (error) {
    byId("machine").textContent = `The sandbox does not answer (${error.message}).`;
  }
}

async function again() {
  if (!document.hidden) await refresh();
  setTimeout(again, REFRESH_MILLISECONDS);
}

byId("fault").addEventListener("submit", (event) => {
  event.preventDefault();
  const { kind, subject, percent, milliseconds } = event.target.elements;
  const fault = { kind: kind.value, subject: subject.value };
  if (kind.value !== "zone") fault.probability = Number(percent.value) / 100;
  if (kind.value === "slow") fault.milliseconds = Number(milliseconds.value);
  change("POST", "/_sandbox/faults", fault, `The fault is on: ${kind.value} of ${subject.value}.`);
});
byId("fault").elements.kind.addEventListener("change", refresh);
byId("group").addEventListener("change", refresh);
again();
