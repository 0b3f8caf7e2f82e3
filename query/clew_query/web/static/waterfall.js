// Invocations one below the other, each a bar in time, with its lines under it when it is opened.
import { EventDetails, firstLine } from "./event.js";
import { transactionHref } from "./location.js";
import { html, useLayoutEffect, useRef, useState } from "./preact.js";
import { isError, severityOf, severityWord } from "./severity.js";
import { duration } from "./time.js";
import { useWindow } from "./window.js";

const DEPTH_DRAWN_MAX = 16;
const LINES = 200;
const ROW_PX = 27;
const LINE_PX = 20;
const TICKS = 5;
const SPANS = 8;

const percent = (value, total) => (total > 0 ? (100 * value) / total : 0);

function place(from, to, total) {
  const left = Math.min(percent(from, total), 99.7);
  return { left: `${left}%`, width: `${Math.max(Math.min(percent(to - from, total), 100 - left), 0.3)}%` };
}

export function Waterfall({ laid }) {
  const failed = laid.rows.filter((row) => row.invocation.errors).map((row) => row.invocation.id);
  const [open, setOpen] = useState(new Set(failed.slice(0, 20)));
  const heights = useRef(new Map());
  const [measured, setMeasured] = useState(0);
  const rows = laid.rows;
  const height = (index) => {
    const { invocation, events } = rows[index];
    if (!open.has(invocation.id)) return ROW_PX;
    return heights.current.get(invocation.id) ?? 2 * ROW_PX + LINE_PX * Math.min(events.length, LINES);
  };
  const shown = useWindow(rows.length, height, `${open.size} ${[...open].at(-1)} ${measured}`);
  const toggle = (id) => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    setOpen(next);
  };
  const measure = (id, pixels) => {
    if (Math.abs((heights.current.get(id) ?? 0) - pixels) < 2) return;
    heights.current.set(id, pixels);
    setMeasured((count) => count + 1);
  };
  return html`
    <section class="waterfall" aria-label="Invocations">
      <div class="legend muted">
        <span><i class="edge"></i> proven by spans</span>
        <span><i class="edge inferred"></i> inferred, with its probability</span>
        <span><i class="key async"></i> asynchronous</span>
        <span><i class="key critical"></i> waited for</span>
        ${rows.some((row) => row.invocation.placeholder) && html`<span><i class="key absent"></i> nothing heard from it</span>`}
        <span><i class="key bad"></i> errors</span>
        <span class="spring"></span>
        <button type="button" class="button" onClick=${() => setOpen(new Set(rows.map((row) => row.invocation.id)))}>Open all</button>
        <button type="button" class="button" onClick=${() => setOpen(new Set())}>Close all</button>
      </div>
      <div class="ruler" aria-hidden="true">
        <span class="corner muted">service and host</span>
        <span class="scale">
          ${Array.from({ length: TICKS }, (_, index) => {
            const at = (laid.total * index) / (TICKS - 1);
            return html`<span class="tick" style=${{ left: `${(100 * index) / (TICKS - 1)}%` }}><b>${duration(Math.round(at))}</b></span>`;
          })}
        </span>
        <span></span>
      </div>
      <ol class="invocations" ref=${shown.list}>
        <li class="space" aria-hidden="true" style=${{ height: `${shown.above}px` }}></li>
        ${rows.slice(shown.first, shown.last).map(
          (row) => html`<${Invocation}
            key=${row.invocation.id}
            row=${row}
            laid=${laid}
            open=${open.has(row.invocation.id)}
            onToggle=${() => toggle(row.invocation.id)}
            onHeight=${measure}
          />`,
        )}
        <li class="space" aria-hidden="true" style=${{ height: `${shown.below}px` }}></li>
      </ol>
    </section>
  `;
}

function Invocation({ row, laid, open, onToggle, onHeight }) {
  const item = useRef(null);
  useLayoutEffect(() => {
    if (open && item.current) onHeight(row.invocation.id, item.current.offsetHeight);
  });
  const { invocation, call, depth } = row;
  const inferred = call.probability < 1;
  const child = call.parent !== null;
  const classes = ["invocation", invocation.errors ? "bad" : "", call.kind, inferred ? "inferred" : "", open ? "open" : "", invocation.placeholder ? "absent" : ""].join(" ");
  const took = row.to - row.from;
  return html`
    <li class=${classes} ref=${item} data-invocation=${invocation.id} data-depth=${depth}>
      <button type="button" class="bar-row" aria-expanded=${open ? "true" : "false"} onClick=${onToggle}>
        <span class="label" style=${{ paddingLeft: `${8 + Math.min(depth, DEPTH_DRAWN_MAX) * 16}px` }}>
          ${child && html`<i class="elbow ${inferred ? "inferred" : ""}" aria-hidden="true"></i>`}
          ${depth > DEPTH_DRAWN_MAX && html`<span class="muted deep">${depth} deep</span>`}
          <span class="service">${invocation.service || "not here"}</span>
          ${call.count > 1 && html`<span class="muted deep">×${call.count.toLocaleString("en")}</span>`}
          ${call.kind === "async" && html`<span class="tag async">async</span>`}
          ${inferred && child && html`<span class="tag probability" title=${call.why}>p ${Math.min(call.probability, 0.99).toFixed(2)}</span>`}
          ${invocation.errors > 0 && html`<span class="tag errors">${invocation.errors} ${invocation.errors === 1 ? "error" : "errors"}</span>`}
          <span class="host muted">${invocation.placeholder ?? invocation.host}</span>
        </span>
        <span class="track">
          <i class="bar" style=${place(row.from, row.to, laid.total)}></i>
          ${row.critical.map(([from, to]) => html`<i class="critical" style=${place(from, to, laid.total)}></i>`)}
          ${row.events.filter(isError).slice(0, 20).map((event) => html`<i class="mark-error" style=${{ left: `${Math.min(percent(row.since(event.time), laid.total), 99.7)}%` }}></i>`)}
        </span>
        <span class="took">${took > 0 ? duration(took) : html`<span class="muted">1 line</span>`}</span>
      </button>
      ${open && html`<${Lines} row=${row} laid=${laid} />`}
    </li>
  `;
}

// How long it worked itself, and how much later it might have ended.
function took({ invocation }) {
  if (invocation.placeholder) return "";
  const slack = invocation.slack_ns;
  const spare = slack === null ? "nobody waited for it" : slack > 0 ? `it might have ended ${duration(slack)} later` : "all waited for it";
  return ` · worked ${duration(invocation.self_time_ns)} itself, ${spare}`;
}

function Lines({ row, laid }) {
  const [open, setOpen] = useState(null);
  const [shown, setShown] = useState(LINES);
  const { call } = row;
  return html`
    <div class="lines" style=${{ paddingLeft: `${24 + Math.min(row.depth, DEPTH_DRAWN_MAX) * 16}px` }}>
      <p class="evidence muted">
        ${call.why}
        ${took(row)}
        ${row.invocation.instance && ` · ${row.invocation.instance}`} ${row.invocation.span_ids.length > 0 && html` · span <code>${row.invocation.span_ids.slice(0, SPANS).join(", ")}${row.invocation.span_ids.length > SPANS ? " …" : ""}</code>`}
        ${row.links.slice(0, SPANS).map((link) => html` · link to <a href=${transactionHref(link.transaction_id)}>span ${link.span_id}</a>`)}
        ${row.links.length > SPANS && ` and ${row.links.length - SPANS} more`}
      </p>
      <ol>
        ${row.events.slice(0, shown).map((event) => {
          const here = open === event.event_id;
          return html`<li key=${event.event_id} class="event ${severityOf(event.severity_number)} ${here ? "open" : ""}">
            <button type="button" class="line" aria-expanded=${here ? "true" : "false"} onClick=${() => setOpen(here ? null : event.event_id)}>
              <time title=${event.time}>+${duration(row.since(event.time))}</time>
              <span class="severity">${severityWord(event)}</span>
              <span class="body">${firstLine(event)}${event.duration !== null && html`<span class="muted"> ${duration(event.duration)} ${event.kind}</span>`}</span>
            </button>
            ${here && html`<${EventDetails} event=${event} />`}
          </li>`;
        })}
      </ol>
      ${row.events.length > shown &&
      html`<button type="button" class="button" onClick=${() => setShown(shown + LINES)}>Show more of ${row.events.length} lines</button>`}
    </div>
  `;
}
