// Says that a region goes on sideways, where it does.

/** Shows `hint` while `region` is wider than its frame, and marks the edges that it goes on beyond. Gives what looks again. */
export function scrollHint(region, hint) {
  function look() {
    const hidden = region.scrollWidth - region.clientWidth;
    const isWider = hidden > 4;
    hint.hidden = !isWider;
    region.classList.toggle("more-left", isWider && region.scrollLeft > 4);
    region.classList.toggle("more-right", isWider && region.scrollLeft < hidden - 4);
  }
  new ResizeObserver(look).observe(region);
  region.addEventListener("scroll", look, { passive: true });
  return look;
}
