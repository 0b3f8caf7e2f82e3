// The service map: who calls whom, how often, how well, how long, and how much of it is inferred.
import { useAnswer } from "./api.js";
import { condition } from "./filters.js";
import { href, navigate } from "./location.js";
import { arrange } from "./map_layout.js";
import { Failure } from "./notice.js";
import { html, useEffect, useMemo, useState } from "./preact.js";
import { TimeRange } from "./range.js";
import { duration, moment } from "./time.js";

const [BOX_W, BOX_H, GAP_X, GAP_Y, EDGE] = [164, 40, 120, 22, 24];
const LABELS_MAX = 40;
const AGAIN_MS = 500;

const FAILING_SHARE = 0.01; // what fails less often than that is told, but not in red
const LABEL_AT = 0.7; // of the way to the callee: callees stand apart where callers' edges still run together

const share = (part, whole) => (part ? `${part / whole < 0.001 ? "<0.1" : Number(((100 * part) / whole).toFixed(1))} %` : "");
const count = (value) => value.toLocaleString("en");
const time = (value) => (value === null ? "–" : duration(value));
const same = (a, b) => a && b && a.from === b.from && a.to === b.to && a.kind === b.kind;

export function MapPage({ parameters }) {
  const [again, setAgain] = useState(0);
  const { data, error, loading } = useAnswer("/services/map", { from: parameters.from, to: parameters.to }, again);
  useEffect(() => {
    document.title = "Map · Clew";
  }, []);
  useEffect(() => {
    if (!data?.pending || loading) return undefined;
    const timer = setTimeout(() => setAgain((number) => number + 1), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [data, loading]);
  return html`
    <main class="plain map">
      <div class="map-head">
        <h1>Map</h1>
        ${data?.from && html`<span class="muted">${moment(data.from)} to ${moment(data.to)} · ${count(data.transactions)} transactions · ${count(data.nodes.length)} services</span>`}
        ${data?.pending > 0 && html`<span class="muted"><i class="pulse"></i> reading, ${count(data.pending)} of ${count(data.minutes)} minutes to go</span>`}
        <span class="spring"></span>
        <${TimeRange} from=${parameters.from} to=${parameters.to} onChange=${(range) => navigate(href("/map", range))} />
      </div>
      ${error && html`<${Failure} error=${error} />`}
      ${data && (data.edges.length ? html`<${Picture} data=${data} parameters=${parameters} />` : html`<p class="quiet muted">No transactions in this range.</p>`)}
    </main>
  `;
}

function Picture({ data, parameters }) {
  const [chosen, setChosen] = useState(null);
  const { columns, place, back, via } = useMemo(() => arrange(data.edges), [data]);
  const rows = Math.max(...columns.map((own) => own.length));
  const [width, height] = [columns.length * (BOX_W + GAP_X) - GAP_X + 2 * EDGE, rows * (BOX_H + GAP_Y) + 3 * EDGE];
  const at = (name) => {
    const [column, row] = place.get(name);
    const own = columns[column].length;
    return [EDGE + column * (BOX_W + GAP_X), EDGE + (height - 2 * EDGE) * ((row + 0.5) / own) - BOX_H / 2];
  };
  const touches = (edge) => !chosen || same(edge, chosen) || edge.from === chosen.service || edge.to === chosen.service;
  const calls = Math.max(...data.edges.map((edge) => edge.calls));
  return html`
    <div class="legend muted">
      <span><i class="edge"></i> proven by spans</span>
      <span><i class="edge inferred"></i> inferred</span>
      <span><i class="edge async"></i> asynchronous</span>
      <span><i class="edge failing"></i> with errors</span>
      <span>the thicker, the more calls</span>
    </div>
    <div class="picture" onClick=${() => setChosen(null)}>
      <svg width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`} role="img" aria-label="Calls between services">
        <defs>
          ${["", "failing", "async"].map((kind) => html`<marker id=${`arrow${kind}`} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto"><path class=${`tip ${kind}`} d="M0 0.5 8 4 0 7.5z" /></marker>`)}
        </defs>
        ${data.edges.map((edge) => html`<${Edge} key=${`${edge.from} ${edge.to} ${edge.kind}`} edge=${edge} from=${at(edge.from)} to=${at(edge.to)} via=${(via.get(edge) ?? []).map(at)} back=${back.has(edge)} most=${calls} faded=${!touches(edge)} labelled=${data.edges.length <= LABELS_MAX || same(edge, chosen)} bottom=${height - EDGE / 2} onChoose=${setChosen} />`)}
        ${[{ service: null }, ...data.nodes].map((node) => html`<${Box} key=${node.service} node=${node} at=${at(node.service)} chosen=${chosen} onChoose=${setChosen} />`)}
      </svg>
    </div>
    <${Calls} edges=${chosen?.service !== undefined || chosen ? data.edges.filter(touches) : data.edges} parameters=${parameters} />
  `;
}

function Box({ node, at: [x, y], chosen, onChoose }) {
  const outside = node.service === null;
  const choose = (event) => {
    event.stopPropagation();
    onChoose(chosen?.service === node.service ? null : { service: node.service });
  };
  const classes = ["node", outside ? "outside" : "", node.errors >= FAILING_SHARE * node.invocations ? node.errors && "bad" : "", outside || node.heard ? "" : "absent", chosen?.service === node.service ? "chosen" : ""].join(" ");
  return html`
    <g class=${classes} transform=${`translate(${x} ${y})`} onClick=${choose} data-service=${node.service ?? ""}>
      <rect width=${BOX_W} height=${BOX_H} rx="6" />
      ${outside
        ? html`<text class="name" x=${BOX_W / 2} y=${BOX_H / 2 + 4}>outside</text>`
        : html`<text class="name" x=${BOX_W / 2} y="17">${shortened(node.service)}<title>${node.service}${node.heard ? "" : ": nothing was heard from it"}</title></text>
            <text class="detail" x=${BOX_W / 2} y="31">${count(node.invocations)}${node.errors ? ` · ${share(node.errors, node.invocations)} errors` : ""}</text>`}
    </g>
  `;
}

const bow = (from, to) => Math.max((to[0] - from[0]) / 2, 40);
const bent = (from, to) => `C${from[0] + bow(from, to)} ${from[1]} ${to[0] - bow(from, to)} ${to[1]} ${to[0]} ${to[1]}`;

// A cubic curve's coordinate at the label.
const along = (a, b, c, d) => {
  const [t, s] = [LABEL_AT, 1 - LABEL_AT];
  return s ** 3 * a + 3 * s * s * t * b + 3 * s * t * t * c + t ** 3 * d;
};

const shortened = (name) => (name.length > 24 ? `${name.slice(0, 23)}…` : name);

function Edge({ edge, from, to, via, back, most, faded, labelled, bottom, onChoose }) {
  const start = [from[0] + BOX_W, from[1] + BOX_H / 2];
  const end = [to[0] - 2, to[1] + BOX_H / 2];
  // From stop to stop, straight through the columns that it passes by.
  let [last, way] = [start, `M${start[0]} ${start[1]}`];
  for (const [x, top] of via) {
    way += ` ${bent(last, [x, top + BOX_H / 2])} H${x + BOX_W}`;
    last = [x + BOX_W, top + BOX_H / 2];
  }
  // What leads back goes below everything.
  const curve = back
    ? `M${start[0]} ${start[1]} C${start[0] + 60} ${bottom} ${start[0] + 20} ${bottom} ${(start[0] + end[0]) / 2} ${bottom} S${end[0] - 60} ${bottom} ${end[0]} ${end[1]}`
    : `${way} ${bent(last, end)}`;
  const kind = edge.errors && edge.errors >= FAILING_SHARE * edge.calls ? "failing" : edge.kind === "async" ? "async" : "";
  const classes = ["call", kind, edge.kind, edge.inferred_share > 0.5 ? "inferred" : "", faded ? "faded" : ""].join(" ");
  const wide = 1.2 + 3.2 * (Math.log(1 + edge.calls) / Math.log(1 + most));
  const [x, y] = back ? [(start[0] + end[0]) / 2, bottom - 4] : [along(last[0], last[0] + bow(last, end), end[0] - bow(last, end), end[0]), along(last[1], last[1], end[1], end[1]) - 4];
  const choose = (event) => {
    event.stopPropagation();
    onChoose(edge);
  };
  return html`
    <g class=${classes} onClick=${choose} data-edge=${`${edge.from ?? ""}>${edge.to}`}>
      <title>${`${edge.from ?? "outside"} → ${edge.to}: ${count(edge.calls)} calls, ${count(edge.errors)} errors, p95 ${time(edge.p95_ns)}`}</title>
      <path class="grip" d=${curve} />
      <path class="wire" d=${curve} style=${{ strokeWidth: `${wide}px` }} marker-end=${`url(#arrow${kind})`} />
      ${labelled && !faded && html`<text x=${x} y=${y}>${count(edge.calls)}${edge.p95_ns === null ? "" : ` · ${duration(edge.p95_ns)}`}</text>`}
    </g>
  `;
}

function Calls({ edges, parameters }) {
  const sorted = edges.toSorted((a, b) => b.errors - a.errors || b.calls - a.calls);
  const find = (service) => href("/", { from: parameters.from, to: parameters.to, query: condition("service", service) });
  return html`
    <table class="grid calls">
      <thead>
        <tr><th>Caller</th><th>Callee</th><th></th><th class="number">Calls</th><th class="number">Errors</th><th class="number">p50</th><th class="number">p95</th><th class="number">p99</th><th class="number" title="Calls that no span proves, and how probably they are right">Inferred</th></tr>
      </thead>
      <tbody>
        ${sorted.map(
          (edge) => html`<tr key=${`${edge.from} ${edge.to} ${edge.kind}`}>
            <td>${edge.from === null ? html`<span class="muted">outside</span>` : html`<a href=${find(edge.from)}>${edge.from}</a>`}</td>
            <td><a href=${find(edge.to)}>${edge.to}</a></td>
            <td>${edge.kind === "async" && html`<span class="tag async">async</span>`}</td>
            <td class="number">${count(edge.calls)}</td>
            <td class="number">${edge.errors > 0 && html`<b class="error-text">${count(edge.errors)}</b> ${share(edge.errors, edge.calls)}`}</td>
            <td class="number">${time(edge.p50_ns)}</td>
            <td class="number">${time(edge.p95_ns)}</td>
            <td class="number">${time(edge.p99_ns)}</td>
            <td class="number">${edge.inferred > 0 && html`${share(edge.inferred, edge.calls)} <span class="tag probability">p ${Math.min(edge.probability, 0.99).toFixed(2)}</span>`}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  `;
}
