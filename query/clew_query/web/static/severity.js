// OpenTelemetry's severity ranges; the page has one colour for each.
const NAMES = ["trace", "debug", "info", "warn", "error", "fatal"];

// From the least to the most severe: the order of the stacked bars.
export const SEVERITIES = ["unspecified", ...NAMES];

export const severityOf = (number) => (number >= 1 && number <= 24 ? NAMES[Math.floor((number - 1) / 4)] : "unspecified");
export const isError = (event) => event.severity_number >= 17;
// The line's own word where it fits its column ("warning" does not).
export const severityWord = ({ severity_text: text, severity_number: number }) =>
  !text || text.length <= 5 || !number ? (text || "").slice(0, 5) : severityOf(number);
