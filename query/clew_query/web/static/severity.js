// OpenTelemetry's severity ranges; the page has one colour for each.
const NAMES = ["trace", "debug", "info", "warn", "error", "fatal"];

// From the least to the most severe: the order of the stacked bars.
export const SEVERITIES = ["unspecified", ...NAMES];

export const severityOf = (number) => (number >= 1 && number <= 24 ? NAMES[Math.floor((number - 1) / 4)] : "unspecified");
export const isError = (event) => event.severity_number >= 17;
