// What stands around a path: what took the time, whose clocks are off, what was not heard.
import { html } from "./preact.js";
import { duration } from "./time.js";

const NAMES = 12;
const GAPS = 10;
const SHARES = 7;

const names = (list) => (list.length > NAMES ? `${list.slice(0, NAMES).join(", ")} and ${list.length - NAMES} more` : list.join(", "));

// How the time that was waited for divides among the services.
export function Shares({ services }) {
  const total = services.reduce((sum, service) => sum + service.critical_time_ns, 0);
  const waited = services.filter((service) => service.critical_time_ns > 0);
  if (waited.length < 2) return null;
  const rest = waited.slice(SHARES).reduce((sum, service) => sum + service.critical_time_ns, 0);
  const parts = waited.slice(0, SHARES).map((service) => ({ name: service.service || "not here", time: service.critical_time_ns }));
  if (rest) parts.push({ name: `${waited.length - SHARES} others`, time: rest });
  return html`
    <figure class="shares" aria-label="What was waited for">
      <div class="stack">
        ${parts.map(({ name, time }, index) => html`<i class="part n${index}" style=${{ width: `${(100 * time) / total}%` }} title=${`${name}: ${duration(time)}`}></i>`)}
      </div>
      <figcaption class="muted">
        waited for
        ${parts.map(({ name, time }, index) => html` <span class="of"><i class="part n${index}"></i>${name} <b>${duration(time)}</b> ${Math.round((100 * time) / total)} %</span>`)}
      </figcaption>
    </figure>
  `;
}

export function Around({ data, raw, onRaw }) {
  const off = data.clock.filter((clock) => clock.offset_ns !== 0);
  const unheard = data.absent.filter((service) => service.verdict === "not_heard");
  const uncalled = data.absent.filter((service) => service.verdict === "not_called").map((service) => service.service);
  return html`
    ${off.length > 0 &&
    html`<p class="warning clocks">
      ${off.map((clock) => html`<${Clock} clock=${clock} />`)}
      <button type="button" class="button" aria-pressed=${raw ? "true" : "false"} onClick=${onRaw}>Times as written</button>
      <span class="muted">${raw ? "nothing is corrected now" : "these times are corrected"}</span>
    </p>`}
    ${data.gaps.slice(0, GAPS).map(
      (gap) => html`<p class="warning">
        No data from <b>${gap.service}</b> on ${gap.host} from ${gap.start ?? "the beginning"} to ${gap.end ?? "now"}: ${gap.reason}
        <span class="muted"> ${gap.source}</span>
      </p>`,
    )}
    ${data.gaps.length > GAPS && html`<p class="warning">And ${data.gaps.length - GAPS} more gaps.</p>`}
    ${unheard.length > 0 &&
    html`<p class="warning">Not heard, so perhaps called: <b title=${unheard.map((service) => service.reason).join("; ")}>${names(unheard.map((service) => service.service))}</b></p>`}
    ${uncalled.length > 0 && html`<p class="muted uncalled" title="All that they wrote meanwhile is here, and none of it belongs to this.">Not called: ${names(uncalled)}</p>`}
  `;
}

function Clock({ clock }) {
  const within = clock.uncertainty_ns === null ? "" : `, within ${duration(clock.uncertainty_ns)}`;
  const known = clock.origin === "calls" ? "as calls show" : `as its ${clock.origin} says`;
  return html`<span>The clock of <b>${clock.host}</b> is ${duration(Math.abs(clock.offset_ns))} ${clock.offset_ns > 0 ? "ahead" : "behind"}${within}, ${known}. </span>`;
}
