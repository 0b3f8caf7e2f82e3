// Times are RFC 3339 with nine digits, more than a number holds: inside they are BigInt nanoseconds. Shown in UTC.

export function nanoseconds(text) {
  const fraction = /\.(\d{1,9})/.exec(text)?.[1] ?? "";
  return BigInt(Date.parse(`${text.slice(0, 19)}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

export function seconds(text) {
  return Date.parse(`${text.slice(0, 19)}Z`) / 1000 + Number(`0${/\.\d+/.exec(text)?.[0] ?? ""}`);
}

export const day = (text) => text.slice(0, 10);
export const clock = (text) => text.slice(11, 23);
export const moment = (text) => `${day(text)} ${clock(text)}`;

export const fromSeconds = (value) => new Date(Math.round(value * 1000)).toISOString();

const UNITS = [
  [86_400e9, "d"],
  [3_600e9, "h"],
  [60e9, "min"],
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
];

// Three significant digits and the unit that fits, as the terminal shows them.
export function duration(value) {
  const size = Math.abs(value);
  for (const [unit, name] of UNITS) {
    if (size >= unit) {
      const count = value / unit;
      const digits = Math.abs(count) < 10 ? 2 : Math.abs(count) < 100 ? 1 : 0;
      return `${Number(count.toFixed(digits))} ${name}`;
    }
  }
  return value ? `${value} ns` : "0 ms";
}

export function ago(text) {
  const passed = (Date.now() - Date.parse(text)) * 1e6;
  return passed < 1e9 ? "now" : `${duration(Math.floor(passed / 1e9) * 1e9)} ago`;
}
