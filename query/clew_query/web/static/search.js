// Search: a query and a range of time in, a histogram, the lines and the services out.
import { useAnswer } from "./api.js";
import { SearchBar } from "./bar.js";
import { EventRow } from "./event.js";
import { Histogram } from "./histogram.js";
import { LIVE_LINES_MAX, useLive } from "./live.js";
import { href, navigate, transactionHref } from "./location.js";
import { Failure } from "./notice.js";
import { More, usePages } from "./pages.js";
import { html, useEffect, useState } from "./preact.js";
import { Services } from "./services.js";
import { day } from "./time.js";

const BUCKETS = 90;

export function SearchPage({ parameters }) {
  const { query = "", from = "", to = "" } = parameters;
  const [again, setAgain] = useState(0);
  const [live, setLive] = useState(false);
  const asked = { query, from, to };
  const found = usePages("/events", "events", asked, again);
  const histogram = useAnswer("/events/histogram", { ...asked, buckets: BUCKETS }, again);
  const tail = useLive(live, query);
  useEffect(() => {
    document.title = query ? `${query} · Clew` : "Clew";
  }, [query]);
  const go = (changes) => {
    const target = href("/", { ...asked, ...changes });
    if (target === location.pathname + location.search) setAgain(again + 1);
    else navigate(target);
  };
  const zoom = (start, end) => go({ from: start, to: end });
  return html`
    <div class="search">
      <${SearchBar} asked=${asked} go=${go} placeholder="any id, words, or service:orders severity>=error status>=500">
        <button type="button" class="button live" aria-pressed=${live ? "true" : "false"} onClick=${() => setLive(!live)}>Live</button>
      <//>
      <${Services} parameters=${asked} again=${again} />
      <main>
        ${found.error
          ? html`<${Failure} error=${found.error} query=${query} />`
          : html`<${Histogram} answer=${histogram.data} onZoom=${zoom} />
              ${live
                ? html`<${Tail} tail=${tail} query=${asked} />`
                : html`<${Results} found=${found} asked=${asked} onAll=${() => go({ from: "", to: "" })} />`}`}
      </main>
    </div>
  `;
}

function Results({ found, asked, onAll }) {
  if (!found.rows) return html`<p class="muted quiet">${found.loading ? "Searching…" : ""}</p>`;
  if (!found.rows.length)
    return html`<div class="quiet">
      <p>No lines match.</p>
      ${(asked.from || asked.to) && html`<p><button type="button" class="button" onClick=${onAll}>Search all time</button></p>`}
    </div>`;
  const transactions = new Set(found.rows.map((event) => event.transaction_id));
  return html`
    <section aria-label="Lines" class=${found.loading ? "stale" : ""} aria-busy=${found.loading ? "true" : "false"}>
      <p class="summary muted">
        <b>${found.total.toLocaleString("en")}</b> ${found.total === 1 ? "line" : "lines"}, newest first
        ${transactions.size === 1 && found.rows.length > 1 && !found.cursor
          ? html` · all of one transaction: <a href=${transactionHref([...transactions][0])}>its path</a>`
          : ""}
      </p>
      <${EventList} events=${found.rows} query=${asked} />
      <${More} found=${found} />
    </section>
  `;
}

function Tail({ tail, query }) {
  return html`
    <section aria-label="New lines">
      <p class="summary muted" role="status">
        <i class="pulse"></i> ${tail.trouble ?? "New lines appear here as they are stored"}
        ${tail.dropped ? html` · <b class="warn-text">${tail.dropped.toLocaleString("en")} lines dropped</b>: more came than could be sent` : ""}
        ${tail.events.length === LIVE_LINES_MAX ? ` · only the latest ${LIVE_LINES_MAX} are kept here` : ""}
      </p>
      <${EventList} events=${tail.events} query=${query} />
    </section>
  `;
}

function EventList({ events, query }) {
  const [open, setOpen] = useState(new Set());
  const toggle = (id) => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    setOpen(next);
  };
  const days = new Set(events.map((event) => day(event.time)));
  return html`
    <ol class="events ${days.size > 1 ? "with-day" : ""}">
      ${events.map(
        (event) => html`<${EventRow}
          key=${event.event_id}
          event=${event}
          query=${query}
          withDay=${days.size > 1}
          open=${open.has(event.event_id)}
          onToggle=${() => toggle(event.event_id)}
        />`,
      )}
    </ol>
  `;
}
