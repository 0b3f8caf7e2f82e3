// Transactions as a whole, newest first: which went wrong, which took long, through whom.
import { SearchBar } from "./bar.js";
import { href, navigate, transactionHref } from "./location.js";
import { Failure } from "./notice.js";
import { More, usePages } from "./pages.js";
import { html, useEffect, useState } from "./preact.js";
import { severityOf } from "./severity.js";
import { duration, moment } from "./time.js";

const SERVICES_SHOWN = 6;

export function TransactionsPage({ parameters }) {
  const { query = "", from = "", to = "" } = parameters;
  const [again, setAgain] = useState(0);
  const asked = { query, from, to };
  const found = usePages("/transactions", "transactions", asked, again);
  useEffect(() => {
    document.title = "Transactions · Clew";
  }, []);
  const go = (changes) => {
    const target = href("/transactions", { ...asked, ...changes });
    if (target === location.pathname + location.search) setAgain(again + 1);
    else navigate(target);
  };
  return html`
    <${SearchBar} asked=${asked} go=${go} placeholder="service:payments error:true duration>2s root:gateway" />
    <main class="plain">
      ${found.error ? html`<${Failure} error=${found.error} query=${query} />` : html`<${Found} found=${found} />`}
    </main>
  `;
}

function Found({ found }) {
  if (!found.rows) return html`<p class="muted quiet">${found.loading ? "Searching…" : ""}</p>`;
  if (!found.rows.length) return html`<p class="quiet">No transactions match.</p>`;
  return html`
    <section aria-label="Transactions" class=${found.loading ? "stale" : ""} aria-busy=${found.loading ? "true" : "false"}>
      <p class="summary muted">
        <b>${found.total.toLocaleString("en")}</b> ${found.total === 1 ? "transaction" : "transactions"}, newest first
      </p>
      <table class="grid">
        <thead>
          <tr><th>Began</th><th>Root</th><th>Then through</th><th class="number">Took</th><th class="number">Lines</th><th class="number">Errors</th><th>Id</th></tr>
        </thead>
        <tbody>
          ${found.rows.map((transaction) => html`<${Row} key=${transaction.transaction_id} transaction=${transaction} />`)}
        </tbody>
      </table>
      <${More} found=${found} />
    </section>
  `;
}

function Row({ transaction }) {
  const { transaction_id: id, root, services, errors } = transaction;
  const others = services.filter((service) => service !== root.service);
  const more = others.length - SERVICES_SHOWN;
  return html`<tr>
    <td>${moment(transaction.start)}</td>
    <td><a href=${transactionHref(id)}>${root.service || "?"}</a> <span class="muted">${root.name}</span></td>
    <td title=${others.join(", ")}>${others.slice(0, SERVICES_SHOWN).join(", ")}${more > 0 ? html` <span class="muted">+${more}</span>` : ""}</td>
    <td class="number">${duration(transaction.duration)}</td>
    <td class="number">${transaction.events.toLocaleString("en")}</td>
    <td class="number">${errors ? html`<b class="error-text" title=${severityOf(transaction.severity_number)}>${errors.toLocaleString("en")}</b>` : "–"}</td>
    <td><a href=${transactionHref(id)}><code>${id.slice(0, 12)}</code></a></td>
  </tr>`;
}
