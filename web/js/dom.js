// Elements without a framework. Text is only ever set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An HTML element: `h("a", { href: "/" }, "Home")`. Attributes that are null or false are left out. */
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Sets the text only where it differs, so that screen readers and selections are left alone. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Lets `parent` hold these children, in this order. Those that it has already are not taken out, which would take the focus from
 * them; a keyboard at a link that is made anew goes on at the new one.
 */
export function hold(parent, children) {
  const href = parent.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  for (const child of [...parent.children]) if (!children.includes(child)) child.remove();
  children.forEach((child, place) => {
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
  });
  if (href === null || parent.contains(document.activeElement)) return;
  parent.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
}

const announcer = document.getElementById("announcer");

/** Says something once to those who cannot see it change. */
export function announce(text) {
  if (announcer) announcer.textContent = text;
}
