// One line: a row of the results, and all that is known of it below when it is opened.
import { ask } from "./api.js";
import { condition, narrowed } from "./filters.js";
import { href, transactionHref } from "./location.js";
import { Failure } from "./notice.js";
import { html, useState } from "./preact.js";
import { severityOf, severityWord } from "./severity.js";
import { clock, day } from "./time.js";

const AROUND = 10;

export const firstLine = (event) => (event.body || event.original || "").split("\n", 1)[0];

export function EventRow({ event, query, open, onToggle, withDay }) {
  const severity = severityOf(event.severity_number);
  return html`
    <li class="event ${severity} ${open ? "open" : ""}">
      <button type="button" class="line" aria-expanded=${open ? "true" : "false"} onClick=${onToggle}>
        <time title=${event.time}>${withDay && html`<span class="muted">${day(event.time)} </span>`}${clock(event.time)}</time>
        <span class="severity" title=${event.severity_text || severity}>${severityWord(event)}</span>
        <span class="service" title=${event.service}>${event.service}</span>
        <span class="body">${firstLine(event)}</span>
      </button>
      ${open && html`<${EventDetails} event=${event} query=${query} />`}
    </li>
  `;
}

const FIELDS = ["time", "observed_timestamp", "severity_text", "service", "instance", "host", "source", "offset"];
const FILTERED = new Set(["severity_text", "service", "instance", "host", "source"]);

export function EventDetails({ event, query = null }) {
  const [around, setAround] = useState({ lines: null, error: null, loading: false });
  const showAround = async () => {
    setAround({ ...around, loading: true });
    try {
      const answer = await ask(`/events/${event.event_id}/surrounding`, { before: AROUND, after: AROUND });
      setAround({ lines: [...answer.before, answer.event, ...answer.after], error: null, loading: false });
    } catch (error) {
      setAround({ lines: null, error, loading: false });
    }
  };
  const fields = FIELDS.filter((name) => event[name] !== "" && event[name] !== null && event[name] !== undefined);
  const ids = [event.transaction_id, ...event.aliases];
  return html`
    <div class="details">
      <div class="actions">
        <a class="button strong" href=${transactionHref(event.transaction_id)}>Open transaction</a>
        <button type="button" class="button" onClick=${showAround} disabled=${around.loading || around.lines !== null}>
          Surrounding lines
        </button>
      </div>
      ${event.body.includes("\n") && html`<pre class="original">${event.body}</pre>`}
      <div class="columns">
        <table class="fields">
          <tbody>
            <${Field} name="transaction" query=${query}>
              ${ids.map((id) => html`<a class="id" href=${transactionHref(id)}>${id}</a> `)}
              <span class="muted">(${event.transaction_origin})</span>
            <//>
            ${event.span_id &&
            html`<${Field} name="span" query=${query}>
              <code>${event.span_id}</code>${event.parent_span_id && html` <span class="muted">of</span> <code>${event.parent_span_id}</code>`}
            <//>`}
            ${fields.map(
              (name) => html`<${Field} name=${name} query=${query} filter=${FILTERED.has(name) ? condition(name, event[name]) : null}>
                ${String(event[name])}
              <//>`,
            )}
          </tbody>
        </table>
        <table class="fields">
          <tbody>
            ${Object.entries(event.attributes).map(
              ([name, value]) => html`<${Field} name=${name} query=${query} filter=${condition(`attributes.${name}`, value)}>
                ${value === null ? "null" : String(value)}
              <//>`,
            )}
          </tbody>
        </table>
      </div>
      <pre class="original" title="The line as it stands in the file">${event.original}</pre>
      ${around.error && html`<${Failure} error=${around.error} />`}
      ${around.lines && html`<${Surrounding} lines=${around.lines} event=${event} />`}
    </div>
  `;
}

function Field({ name, query, filter = null, children }) {
  return html`
    <tr>
      <th scope="row">${name}</th>
      <td>${children}</td>
      <td class="narrow">
        ${filter &&
        query !== null &&
        html`<a href=${href("/", { ...query, query: narrowed(query.query ?? "", filter) })} title="only these" aria-label=${`only ${name}`}>+</a>
          <a href=${href("/", { ...query, query: narrowed(query.query ?? "", `-${filter}`) })} title="without these" aria-label=${`without ${name}`}>−</a>`}
      </td>
    </tr>
  `;
}

function Surrounding({ lines, event }) {
  return html`
    <section class="surrounding" aria-label="Surrounding lines of the file">
      <p class="muted">${event.source} on ${event.host}</p>
      <ol>
        ${lines.map(
          (line) => html`<li key=${line.event_id} class="${severityOf(line.severity_number)} ${line.event_id === event.event_id ? "here" : ""}">
            <time>${clock(line.time)}</time> <span class="body">${line.original || line.body}</span>
          </li>`,
        )}
      </ol>
    </section>
  `;
}
