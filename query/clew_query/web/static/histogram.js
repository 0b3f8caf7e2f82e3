// How many lines when, by severity: stacked bars; drag over a range or click a bar to look into it.
import { html, useEffect, useRef, useState } from "./preact.js";
import { SEVERITIES } from "./severity.js";
import { clock, day, fromSeconds, seconds } from "./time.js";
import uPlot from "./vendor/uplot.mjs";

const HEIGHT = 120;
const UTC = "Etc/UTC";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Each series holds the sum up to its severity; the tallest is drawn first and the others over it. Where a severity has
// no lines there is no bar: two bars of one height show the colour below at their edges.
function stacked(buckets) {
  const sums = buckets.map(() => 0);
  const layers = SEVERITIES.map((name) =>
    buckets.map((bucket, index) => {
      const count = bucket.counts[name] ?? 0;
      sums[index] += count;
      return count ? sums[index] : null;
    }),
  );
  return [buckets.map((bucket) => seconds(bucket.start)), ...layers.reverse()];
}

// As much of the time as neighbouring labels differ in; midnight says which day begins.
function label(tick, step) {
  const text = fromSeconds(tick);
  if (step >= 86_400 || text.slice(11, 19) === "00:00:00") return text.slice(5, 10);
  return step >= 60 ? text.slice(11, 16) : step >= 1 ? text.slice(11, 19) : text.slice(17, 23);
}

function options(answer, width, onZoom, onPoint) {
  const interval = answer.interval_ns / 1e9;
  const first = seconds(answer.buckets[0].start);
  const last = seconds(answer.buckets.at(-1).start) + interval;
  const axis = { stroke: colour("--muted"), font: "11px system-ui", grid: { show: false }, ticks: { show: false } };
  let dragged = false;
  return {
    width,
    height: HEIGHT,
    padding: [6, 0, 0, 0],
    legend: { show: false },
    tzDate: (value) => uPlot.tzDate(new Date(value * 1000), UTC),
    scales: { x: { time: true, range: () => [first, last] }, y: { range: (_, __, most) => [0, Math.max(most, 1) * 1.05] } },
    axes: [
      { ...axis, size: 20, gap: 2, space: 90, values: (_, ticks, __, ___, step) => ticks.map((tick) => label(tick, step)) },
      { ...axis, size: 44, gap: 4, space: 32, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 5e4, 1e5, 1e6, 1e7], values: (_, ticks) => ticks.map((tick) => (tick === 0 ? "" : tick >= 1000 ? `${tick / 1000}k` : tick)), grid: { show: true, stroke: colour("--line"), width: 1 } },
    ],
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: 4 } },
    series: [
      {},
      ...SEVERITIES.toReversed().map((name) => ({
        label: name,
        fill: colour(`--${name}`),
        width: 0,
        points: { show: false },
        paths: uPlot.paths.bars({ size: [0.86, Infinity], align: 1 }),
      })),
    ],
    hooks: {
      setCursor: [
        (plot) => {
          const { left } = plot.cursor;
          const index = left < 0 ? -1 : Math.floor((plot.posToVal(left, "x") - first) / interval);
          onPoint(answer.buckets[index] ?? null);
        },
      ],
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          dragged = true;
          const [start, end] = [plot.select.left, plot.select.left + plot.select.width].map((at) => plot.posToVal(at, "x"));
          onZoom(start, end);
        },
      ],
      ready: [
        (plot) =>
          plot.over.addEventListener("click", () => {
            if (dragged) {
              dragged = false;
              return;
            }
            const index = Math.floor((plot.posToVal(plot.cursor.left, "x") - first) / interval);
            const bucket = answer.buckets[index];
            if (bucket?.total && interval > 0.002) onZoom(seconds(bucket.start), seconds(bucket.start) + interval);
          }),
      ],
    },
  };
}

export function Histogram({ answer, onZoom }) {
  const box = useRef(null);
  const [point, setPoint] = useState(null);
  const [scheme, setScheme] = useState(0);
  const drawn = answer?.buckets.length > 0;
  useEffect(() => {
    const media = matchMedia("(prefers-color-scheme: dark)");
    const changed = () => setScheme((count) => count + 1);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, []);
  useEffect(() => {
    if (!drawn) return undefined;
    const element = box.current;
    const zoom = (start, end) => onZoom(fromSeconds(start), fromSeconds(end));
    const plot = new uPlot(options(answer, element.clientWidth, zoom, setPoint), stacked(answer.buckets), element);
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
      setPoint(null);
    };
  }, [answer, scheme]);
  const counts = point ? Object.entries(point.counts).filter(([, count]) => count) : [];
  return html`
    <figure class="histogram" aria-label="Lines over time by severity">
      <div class="plot" ref=${box}></div>
      <figcaption class="muted">
        ${point
          ? html`${day(point.start)} <b>${clock(point.start)}</b> · ${point.total.toLocaleString("en")} lines
              ${counts.map(([name, count]) => html` <i class="dot ${name}"></i>${count.toLocaleString("en")} ${name}`)}`
          : drawn
            ? html`${describeInterval(answer.interval_ns)} a bar · drag or click to zoom`
            : html`<span> </span>`}
      </figcaption>
    </figure>
  `;
}

function describeInterval(interval) {
  const units = [[86_400e9, "d"], [3_600e9, "h"], [60e9, "min"], [1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];
  const [size, name] = units.find(([unit]) => interval >= unit) ?? [1, "ns"];
  return `${interval / size} ${name}`;
}
