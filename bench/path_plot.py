"""Draw how far the probabilities of calls hold: `path_plot.py ROWS.json... PLOT.png`, of rows from `path.py --json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt

NAMES = {"TT": "TrainTicket", "OB": "OnlineBoutique"}
CASES = ["zero skew", "half", "500 ms, agents", "500 ms, nothing known", "10 % dropped", "30 % dropped", "50 % dropped"]
EDGES_MIN = 50


def draw(rows: list[dict[str, object]], plot: Path) -> None:
    """One panel a system, one line a case; a point is a bin of 0.1 with at least EDGES_MIN calls."""
    systems = [name for name in NAMES if any(row["system"] == name for row in rows)]
    figure, panels = plt.subplots(1, len(systems), figsize=(5.5 * len(systems), 5), squeeze=False, sharey=True)
    for panel, name in zip(panels[0], systems, strict=True):
        panel.fill_between([0, 1], [-0.1, 0.9], [0.1, 1.1], color="0.93", label="within 0.1")
        panel.plot([0, 1], [0, 1], color="0.6", linewidth=1)
        for row in rows:
            if row["system"] == name and row["case"] in CASES:
                bins = [one for one in row["bins"] if one[1] >= EDGES_MIN]  # type: ignore[attr-defined]
                label = f"{row['case']} (ECE {row['ece']:.3f})"
                panel.plot([b[2] for b in bins], [b[3] for b in bins], "o-", markersize=4, label=label)
        panel.set(title=NAMES[name], xlabel="probability said", xlim=(0, 1.02), ylim=(0, 1.02))
        panel.legend(loc="upper left", fontsize=8)
    panels[0][0].set_ylabel("share of calls that are right")
    figure.tight_layout()
    figure.savefig(plot, dpi=110)


if __name__ == "__main__":
    *sources, target = map(Path, sys.argv[1:])
    draw([row for source in sources for row in json.loads(source.read_text())], target)
