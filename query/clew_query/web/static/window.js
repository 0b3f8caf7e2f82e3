// A window onto a long list: only the rows near what is seen are there, with empty space above and below them.
import { useLayoutEffect, useMemo, useRef, useState } from "./preact.js";

const WHOLE_MAX = 300; // a list that short is there as a whole, so that the browser's own search finds everything
const MARGIN_PX = 800;

// `height(index)`: the row's height in pixels as far as known. Returns what to draw, and where to hang it.
export function useWindow(count, height, changed) {
  const list = useRef(null);
  const [seen, setSeen] = useState([0, 2 * MARGIN_PX]);
  const whole = count <= WHOLE_MAX;
  const tops = useMemo(() => {
    if (whole) return null;
    const sums = new Float64Array(count + 1);
    for (let index = 0; index < count; index += 1) sums[index + 1] = sums[index] + height(index);
    return sums;
  }, [count, whole, changed]);
  useLayoutEffect(() => {
    if (whole) return undefined;
    let asked = 0;
    const look = () => {
      asked = 0;
      if (!list.current) return;
      const top = -list.current.getBoundingClientRect().top;
      setSeen((old) => (Math.abs(old[0] - top) < MARGIN_PX / 4 ? old : [top, top + innerHeight]));
    };
    const later = () => {
      asked ||= requestAnimationFrame(look);
    };
    look();
    addEventListener("scroll", later, { passive: true });
    addEventListener("resize", later);
    return () => {
      cancelAnimationFrame(asked);
      removeEventListener("scroll", later);
      removeEventListener("resize", later);
    };
  }, [whole]);
  if (whole) return { list, first: 0, last: count, above: 0, below: 0 };
  const first = Math.max(place(tops, seen[0] - MARGIN_PX), 0);
  const last = Math.min(place(tops, seen[1] + MARGIN_PX) + 1, count);
  return { list, first, last, above: tops[first], below: tops[count] - tops[last] };
}

// The last row that begins at or above this many pixels.
function place(tops, pixels) {
  let [low, high] = [0, tops.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle] <= pixels) low = middle;
    else high = middle - 1;
  }
  return low;
}
