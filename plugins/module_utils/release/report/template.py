# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page of a report: one file without scripts, which loads nothing. Jinja escapes every value."""

from __future__ import annotations

TEMPLATE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="pear.fargate">
<title>{{ facts.service }}: {{ facts.outcome | words }}</title>
<style>
:root { color-scheme: light dark; --paper: #fff; --ink: #16181d; --muted: #5a6270; --rule: #d8dce3; --soft: #f3f5f8;
  --blue: #1f5fc4; --green: #0f7a3d; --mark: #8a6d00; --good: #0f7a3d; --bad: #b3261e; --unclear: #8a6d00; }
@media (prefers-color-scheme: dark) { :root { --paper: #14161a; --ink: #e8eaee; --muted: #a3abb8; --rule: #353b46;
  --soft: #1d2026; --blue: #7aa9ff; --green: #4fd38a; --mark: #e0b93f; --good: #4fd38a; --bad: #ff8a80;
  --unclear: #e0b93f; } }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --muted: #444; --rule: #bbb; --soft: #f3f5f8;
  --blue: #1f5fc4; --green: #0f7a3d; --mark: #8a6d00; --good: #0f7a3d; --bad: #b3261e; --unclear: #8a6d00; }
  figure, tr, pre { break-inside: avoid; } h2 { break-after: avoid; } body { font-size: 9.5pt; } }
body { margin: 0 auto; padding: 1.5rem 1.25rem 3rem; max-width: 62rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", "Noto Sans", sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1rem 0 .2rem; }
.reason { font-size: 1.05rem; margin: .5rem 0 1rem; overflow-wrap: anywhere; }
.badge { display: inline-block; padding: 0 .55rem; border: 1.5px solid currentColor; border-radius: 1rem; font-size: .95rem;
  vertical-align: middle; white-space: nowrap; }
.pass, .succeeded { color: var(--good); } .fail, .rolled_back, .failed { color: var(--bad); }
.inconclusive, .other { color: var(--unclear); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; } dt { color: var(--muted); } dd { margin: 0;
  overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; color: var(--muted); white-space: nowrap; }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; overflow-wrap: anywhere; }
td.time, td.short { white-space: nowrap; font-variant-numeric: tabular-nums; }
figure { margin: 1.2rem 0; } figcaption { color: var(--muted); margin-bottom: .2rem; }
svg.chart { width: 100%; height: auto; display: block; }
/* A band has no border. */
svg.chart .line:not(.nofill) { stroke: none !important; }
.key span::before { content: ""; display: inline-block; width: 1.4rem; border-top: 3px solid var(--c); vertical-align: middle;
  margin: 0 .4rem 0 .9rem; }
pre { background: var(--soft); padding: .6rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0 .8rem;
  font: 13px/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
.note { color: var(--muted); } ul { margin: .3rem 0; padding-left: 1.2rem; } li { overflow-wrap: anywhere; }
</style>
</head>
<body>
<header>
<h1>{{ facts.service }} in {{ facts.environment }}
<span class="badge {{ facts.outcome | badge }}" id="outcome">{{ facts.outcome | words }}</span></h1>
<p class="reason" id="reason">{{ facts.reason }}</p>
{% if release %}
<dl id="release">
<dt>release</dt><dd>{{ release.id }}</dd>
<dt>version</dt><dd>{{ release.label }}</dd>
{% if release.digest %}<dt>image</dt><dd>{{ release.digest }}</dd>{% endif %}
<dt>strategy</dt><dd>{{ release.plan.strategy }}
{%- if facts.routed and not release.in_place %}: {{ plan }}{% endif %}</dd>
<dt>by</dt><dd>{{ release.by }}</dd>
{% if release.budget_override %}<dt>error budget</dt><dd>not enforced: {{ release.budget_override }}</dd>{% endif %}
<dt>began</dt><dd>{{ release.started_at | moment }}</dd>
{% if release.ended_at %}<dt>ended</dt>
<dd>{{ release.ended_at | moment }}, after {{ (release.ended_at - release.started_at) | round | int }} s</dd>{% endif %}
{% if not release.in_place %}<dt>colours</dt><dd>{{ release.candidate }} was the candidate, {{ release.live }} was live</dd>{% endif %}
</dl>
{% endif %}
{% if facts.details %}
<dl id="details">
{% for name, text in facts.details.items() %}<dt>{{ name }}</dt><dd>{{ text }}</dd>
{% endfor %}
</dl>
{% endif %}
</header>

{% if charts %}
<section id="charts">
<h2>Traffic</h2>
<p class="key note"><span style="--c: var(--blue)">blue</span><span style="--c: var(--green)">green</span>
<span style="--c: var(--mark)">{{ "an event, below" if facts.span else "weights changed" }}</span></p>
{% for chart in charts %}
<figure id="chart-of-{{ chart.name }}"><figcaption>{{ chart.caption }}</figcaption>{{ chart.svg | drawn }}</figure>
{% endfor %}
{% if facts.traffic %}
<table id="totals">
<thead><tr><th>colour</th><th>requests</th><th>failed</th><th>share</th></tr></thead>
<tbody>
{% for colour, traffic in facts.traffic.items() %}
<tr><td class="short">{{ colour }}</td><td class="short">{{ traffic.requests | thousands }}</td>
<td class="short">{{ traffic.errors | thousands }}
{%- if traffic.unanswered %} ({{ traffic.unanswered | thousands }} of them answered by no target){% endif %}</td>
<td>{{ traffic.share }}</td></tr>
{% endfor %}
</tbody>
</table>
<p class="note">CloudWatch's numbers for both target groups. Its newest minutes may be incomplete{% if unbounded %}; a p99 of fewer than
368 requests has no upper bound at 95 %, there the band ends at the largest response time{% endif %}.</p>
{% endif %}
</section>
{% endif %}

{% if facts.weights %}
<section>
<h2>Weights</h2>
<table id="weights">
<thead><tr><th>from</th><th>blue</th><th>green</th></tr></thead>
<tbody>
{% for at, weights in facts.weights %}
<tr><td class="time">{{ at | moment }}</td><td>{{ weights.blue }} %</td><td>{{ weights.green }} %</td></tr>
{% endfor %}
</tbody>
</table>
</section>
{% endif %}

{% if verdicts %}
<section>
<h2>Gates and checks</h2>
<table id="verdicts">
<thead><tr><th>at</th><th>in</th><th>gate</th><th>verdict</th><th>evidence</th></tr></thead>
<tbody>
{% for verdict in verdicts %}
<tr><td class="time">{{ verdict.at | clock }}</td><td class="short">{{ verdict.step }}</td><td>{{ verdict.gate }}</td>
<td class="short {{ verdict.result }}">{{ verdict.result }}</td><td>{{ verdict.text }}</td></tr>
{% endfor %}
</tbody>
</table>
<p class="note">A verdict is shown where it changed, and as it was when its step ended.</p>
</section>
{% endif %}

{% if evidence %}
<section id="evidence">
<h2>Evidence</h2>
{% for title, entries in evidence %}
<h3>{{ title }}</h3>
<ul>{% for entry in entries %}<li>{{ entry }}</li>{% endfor %}</ul>
{% endfor %}
{% for task in failures %}
<h3>Task {{ task.task }}, container {{ task.container }}: {{ task.cause | default("it failed") }}</h3>
<pre>{{ task.log_lines | join("\\n") or "its log is empty" }}</pre>
{% endfor %}
{% if logs %}
<h3>Last log lines of the candidate</h3>
<pre>{{ logs | join("\\n") }}</pre>
{% endif %}
</section>
{% endif %}

{% if facts.tasks or counts %}
<section>
<h2>Tasks</h2>
{% if counts %}
<table id="counts">
<thead><tr><th>at</th><th>tasks</th></tr></thead>
<tbody>
{% for moment in counts %}<tr><td class="time">{{ moment.at | clock }}</td><td>{{ moment.text }}</td></tr>
{% endfor %}
</tbody>
</table>
{% endif %}
{% if facts.tasks %}
<table id="tasks">
<thead><tr><th>task</th><th>colour</th><th>revision</th><th>zone</th><th>started</th><th>stopped</th></tr></thead>
<tbody>
{% for task in facts.tasks %}
<tr><td>{{ task.id[:12] }}</td><td>{{ task.colour }}</td><td>{{ task.revision }}</td>
<td class="short">{{ task.zone }}</td><td class="time">{{ task.started_at | clock }}</td>
<td>{{ task.stopped_at | clock }}{% if task.cause %}: <span class="fail">{{ task.cause }}</span>{% endif %}</td></tr>
{% endfor %}
</tbody>
</table>
<p class="note">ECS forgets stopped tasks within the hour.</p>
{% endif %}
</section>
{% endif %}

{% if lines %}
<section>
<h2>Events</h2>
<table id="events">
<thead><tr><th>at</th><th>event</th></tr></thead>
<tbody>
{% for line in lines %}<tr><td class="time">{{ line.at | clock }}</td><td>{{ line.text }}</td></tr>
{% endfor %}
</tbody>
</table>
</section>
{% endif %}

{% if facts.unread %}
<section>
<h2>Not read</h2>
<ul id="unread">{% for sentence in facts.unread %}<li>{{ sentence }}</li>{% endfor %}</ul>
</section>
{% endif %}
</body>
</html>
"""
