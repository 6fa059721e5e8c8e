// All answers of the table on the map: a dot for each, the one that is shown apart.

import { fit } from "../plan.js";

const COLOURS = { localized: "--accent", uncertain: "--unsure", uncalibrated: "--quiet" };

/** @typedef {import("../types.js").Task} Task */

/** The answers of many photos on the map. */
export class AnswerMarks {
  /**
   * @param {import("../types.js").Plan} plan
   * @param {(task: Task) => void} onPick
   */
  constructor(plan, onPick) {
    this.plan = plan;
    this.onPick = onPick;
    this.dots = plan.L.featureGroup().addTo(plan.map);
    this.pane = plan.L.canvas({ padding: 0.25 });
    this.isShown = true;
    this.tasks = [];
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.show(this.tasks));
  }

  /** Shows the answers of some questions, and no others. */
  show(tasks) {
    this.tasks = tasks;
    this.dots.clearLayers();
    const style = getComputedStyle(this.plan.map.getContainer());
    const ground = style.getPropertyValue("--surface").trim();
    for (const task of tasks) {
      if (!task.answer?.position) continue;
      const { latitude, longitude } = task.answer.position;
      const colour = style.getPropertyValue(COLOURS[task.status] ?? "--quiet").trim();
      const look = { renderer: this.pane, radius: 6, color: ground, weight: 1.5, fillColor: colour, fillOpacity: 0.9 };
      const dot = this.plan.L.circleMarker([latitude, longitude], look);
      dot.bindTooltip(() => nameOf(task), { direction: "top", opacity: 1 });
      dot.on("click", (event) => {
        this.plan.L.DomEvent.stopPropagation(event);
        this.onPick(task);
      });
      this.dots.addLayer(dot);
    }
  }

  /** Moves the view to all answers. */
  fit() {
    const bounds = this.dots.getBounds();
    if (bounds.isValid()) fit(this.plan, bounds.pad(0.05), { maxZoom: 18 });
  }
}

function nameOf(task) {
  const text = document.createElement("span");
  text.textContent = task.name;
  return text;
}
