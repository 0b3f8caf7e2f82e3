// Who writes, and how much of it are errors; click one to look at it alone.
import { useAnswer } from "./api.js";
import { condition, has, narrowed, without } from "./filters.js";
import { href } from "./location.js";
import { html } from "./preact.js";

const share = (errors, events) => {
  if (!errors) return "";
  const percent = (100 * errors) / events;
  return percent < 0.1 ? "<0.1 %" : `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
};

export function Services({ parameters, again }) {
  const { data } = useAnswer("/services", { from: parameters.from, to: parameters.to }, again);
  const query = parameters.query ?? "";
  const services = (data?.services ?? []).toSorted((a, b) => b.errors - a.errors || b.events - a.events);
  const most = Math.max(1, ...services.map((service) => service.events));
  return html`
    <aside class="services" aria-label="Services">
      <h2>Services ${data && html`<span class="muted">${services.length}</span>`}</h2>
      <ul>
        ${services.map((service) => {
          const only = condition("service", service.service);
          const chosen = has(query, only);
          const target = { ...parameters, query: chosen ? without(query, only) : narrowed(query, only) };
          return html`<li key=${service.service}>
            <a href=${href("/", target)} aria-current=${chosen ? "true" : null} title=${`${service.events.toLocaleString("en")} lines, ${service.errors.toLocaleString("en")} errors, on ${service.hosts.join(", ")}`}>
              <span class="name">${service.service}</span>
              <span class="share">${share(service.errors, service.events)}</span>
              <span class="count muted">${service.events.toLocaleString("en")}</span>
              <span class="meter" aria-hidden="true">
                <i class="all" style=${{ width: `${(100 * service.events) / most}%` }}></i>
                <i class="bad" style=${{ width: `${service.errors ? Math.max((100 * service.errors) / most, 1.5) : 0}%` }}></i>
              </span>
            </a>
          </li>`;
        })}
      </ul>
    </aside>
  `;
}
