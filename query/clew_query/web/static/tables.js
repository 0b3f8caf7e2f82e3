// Alerts and agents: small tables, asked for again every few seconds.
import { useAnswer } from "./api.js";
import { condition } from "./filters.js";
import { href } from "./location.js";
import { Failure } from "./notice.js";
import { html, useEffect, useState } from "./preact.js";
import { ago, moment } from "./time.js";

const AGAIN_MS = 5000;

function useRefreshed(path) {
  const [again, setAgain] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setAgain((count) => count + 1), AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  return useAnswer(path, {}, again);
}

function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), units.length - 1);
  return `${Number((count / 1000 ** power).toFixed(1))} ${units[power]}`;
}

const share = (value) => (typeof value === "number" ? `${Number((100 * value).toFixed(1))} %` : "–");

export function AlertsPage() {
  const { data, error } = useRefreshed("/alerts");
  useEffect(() => {
    document.title = "Alerts · Clew";
  }, []);
  const alerts = (data?.alerts ?? []).toSorted((a, b) => (b.state === "firing") - (a.state === "firing") || String(a.rule).localeCompare(b.rule));
  return html`
    <main class="plain">
      <h1>Alerts</h1>
      ${error && html`<${Failure} error=${error} />`}
      ${data &&
      (alerts.length === 0
        ? html`<p class="quiet">No rule has a state yet.</p>`
        : html`<table class="grid">
            <thead>
              <tr><th>State</th><th>Rule</th><th>Where</th><th>Since</th><th class="number">Share of errors</th><th class="number">Errors</th><th class="number">Lines</th></tr>
            </thead>
            <tbody>
              ${alerts.map(
                (alert) => html`<tr key=${`${alert.rule} ${alert.group}`}>
                  <td><span class="state ${String(alert.state).replace(/\W/g, "")}">${alert.state}</span></td>
                  <td>${alert.rule}</td>
                  <td><${Where} alert=${alert} /></td>
                  <td>${alert.since ? html`${moment(alert.since)} <span class="muted">${ago(alert.since)}</span>` : "–"}</td>
                  <td class="number">${share(alert.value)}</td>
                  <td class="number">${alert.errors?.toLocaleString("en") ?? "–"}</td>
                  <td class="number">${alert.events?.toLocaleString("en") ?? "–"}</td>
                </tr>`,
              )}
            </tbody>
          </table>`)}
    </main>
  `;
}

function Where({ alert }) {
  if (!alert.group) return html`<span class="muted">everywhere</span>`;
  const query = `${condition(alert.group_by || "service", alert.group)} severity>=error`;
  return html`<a href=${href("/", { query })}>${alert.group}</a>${alert.note ? html` <span class="muted">${alert.note}</span>` : ""}`;
}

export function AgentsPage() {
  const { data, error } = useRefreshed("/agents");
  useEffect(() => {
    document.title = "Agents · Clew";
  }, []);
  return html`
    <main class="plain">
      <h1>Agents</h1>
      ${error && html`<${Failure} error=${error} />`}
      ${data && data.agents.length === 0 && html`<p class="quiet">No agent was heard of yet.</p>`}
      ${data?.agents.map((agent) => html`<${Agent} key=${agent.agent_id} agent=${agent} />`)}
    </main>
  `;
}

function Agent({ agent }) {
  const errors = Object.entries(agent.errors ?? {});
  return html`
    <section class="agent">
      <h2>${agent.host} <span class="muted">${agent.agent_id} · version ${agent.version} · heard of ${ago(agent.last_seen)} · ${bytes(agent.lag_bytes)} behind</span></h2>
      ${errors.map(([where, what]) => html`<p class="warning">${where}: ${what}</p>`)}
      <table class="grid">
        <thead>
          <tr><th>File</th><th>Service</th><th class="number">Seen</th><th class="number">Acknowledged</th><th class="number">Behind</th><th class="number">Lines</th><th class="number">Given up</th></tr>
        </thead>
        <tbody>
          ${agent.files.map((file) => {
            const behind = Math.max(file.seen - Math.max(file.acknowledged, file.first), 0);
            const lost = file.given_up.reduce((sum, part) => sum + part.end - part.start, 0);
            return html`<tr key=${file.file_id} class=${file.gone ? "muted" : ""}>
              <td><code>${file.path}</code>${file.gone ? " (gone)" : ""}</td>
              <td>${file.service}</td>
              <td class="number">${bytes(file.seen)}</td>
              <td class="number">${bytes(file.acknowledged)}</td>
              <td class="number">${bytes(behind)}</td>
              <td class="number">${file.lines.toLocaleString("en")}</td>
              <td class="number" title=${file.given_up.map((part) => part.reason).join("; ")}>${lost ? html`<b class="error-text">${bytes(lost)}</b>` : "–"}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </section>
  `;
}
