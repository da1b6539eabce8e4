// The chosen picture stays in sight: on a narrow screen, samples and sliders are far below its place.

// How much of the place has to be seen.
const LEAST = 0.4;

/**
 * Mark a picture's place as `away` while it is scrolled out of sight; the style then puts the picture into a corner.
 *
 * @param {HTMLElement} place of the picture, whose size does not depend on where that is; a press on the picture goes
 *   back to it.
 * @param {object} spec of readSpec.
 */
export function keepInSight(place, { width, height }) {
  place.style.aspectRatio = `${width} / ${height}`;
  const observer = new IntersectionObserver(
    ([entry]) => place.classList.toggle("away", entry.intersectionRatio < LEAST),
    { threshold: LEAST },
  );
  observer.observe(place);
  place.addEventListener("click", () => {
    if (place.classList.contains("away")) place.scrollIntoView({ block: "center", behavior: "smooth" });
  });
}
