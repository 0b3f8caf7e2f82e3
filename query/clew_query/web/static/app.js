// The frame around the pages.
import { AgentsPage, AlertsPage } from "./tables.js";
import { useLocation } from "./location.js";
import { MapPage } from "./map.js";
import { html, render } from "./preact.js";
import { SearchPage } from "./search.js";
import { TransactionPage } from "./transaction.js";
import { TransactionsPage } from "./transactions.js";

const PAGES = [
  ["/", "Search"],
  ["/transactions", "Transactions"],
  ["/map", "Map"],
  ["/alerts", "Alerts"],
  ["/agents", "Agents"],
];

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function Page({ path, parameters }) {
  if (path.startsWith("/t/")) return html`<${TransactionPage} key=${path} id=${decoded(path.slice(3))} />`;
  if (path === "/transactions") return html`<${TransactionsPage} parameters=${parameters} />`;
  if (path === "/map") return html`<${MapPage} parameters=${parameters} />`;
  if (path === "/alerts") return html`<${AlertsPage} />`;
  if (path === "/agents") return html`<${AgentsPage} />`;
  return html`<${SearchPage} parameters=${parameters} />`;
}

function App() {
  const { path, parameters } = useLocation();
  return html`
    <header class="top">
      <a class="brand" href="/"><${Mark} /> Clew</a>
      <nav aria-label="Pages">
        ${PAGES.map(
          ([target, name]) => html`<a href=${target} aria-current=${path === target ? "page" : null}>${name}</a>`,
        )}
      </nav>
      <span class="muted utc">times in UTC</span>
    </header>
    <${Page} path=${path} parameters=${parameters} />
  `;
}

function Mark() {
  return html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
    <circle cx="14" cy="14" r="10.5" />
    <path d="M5 10.5c5-3.5 12-3.5 18 1M4 15.5c6-3.500 13-2.500 19.500 2M6.500 20.500c4-2.500 9-2.500 13.500.5" />
    <path d="M21 21.500c3 3.500 5 5 8.500 5.500" />
  </svg>`;
}

render(html`<${App} />`, document.getElementById("app"));
