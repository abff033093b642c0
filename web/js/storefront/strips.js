// The strips: what others look at, what this visitor looked at, and what suits both.

import { askNow } from "../poll.js";
import * as visitor from "../visitor.js";
import { strip } from "./cards.js";

const ofVisitor = (rest) => {
  const id = visitor.visitorId();
  return id === null ? null : `/api/site/visitors/${encodeURIComponent(id)}${rest}`;
};

// Whoever is forgotten, or goes private, sees the old lists go at once.
visitor.onChange(askNow);

/** What most visitors look at now, in a category or in all. */
export const trending = (category) => strip({
  title: category ? `Trending in ${category}` : "Trending now",
  id: "trending",
  path: () => `/api/site/trending${category ? `?category=${encodeURIComponent(category)}` : ""}`,
  pick: ({ top }) => top,
  everyMs: 5000,
});

/** What this visitor looked at last, without the product `without`. */
export const recentlyViewed = (without) => strip({
  title: "Recently viewed",
  id: "recently-viewed",
  path: () => ofVisitor(""),
  pick: ({ items }) => items,
  everyMs: 1000,
  without,
  note: () => (visitor.consent() === "granted" ? "Products you look at appear here." : ""),
});

/** What suits this visitor. */
export const forYou = () => strip({
  title: "For you",
  id: "for-you",
  path: () => ofVisitor("/recommendations"),
  pick: ({ items }) => items,
  everyMs: 10_000,
});

/** What is looked at by those who look at this product. */
export const viewedTogether = (id) => strip({
  title: "Viewed together",
  id: "viewed-together",
  path: () => `/api/site/products/${encodeURIComponent(id)}/recommendations`,
  pick: ({ items }) => items,
  everyMs: 10_000,
});
