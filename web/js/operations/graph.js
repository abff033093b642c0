// The picture's plan: what stands where, and what leads to what. Functions and logs have the names of the API's answer.

/**
 * Nodes: `[id, kind, column, row, label, needs]`. A node is drawn if the app has the function that it is, or that it `needs`.
 * Kinds: `outside`, `function`, `log` (hub or feed, which have rates), `store`.
 */
export const NODES = [
  ["staff", "outside", 0, 0.5, "Staff", "Products"],
  ["Products", "function", 1, 0.5, "Products"],
  ["catalog/products", "log", 2, 0.5, "catalog/products", "ProductChanges"],
  ["ProductChanges", "function", 3, 0.5, "ProductChanges"],
  ["products", "log", 4, 0.5, "hub products", "ProductChanges"],
  ["ProductProjection", "function", 5, 0, "ProductProjection"],
  ["site/products", "store", 6, 0, "site/products", "ProductProjection"],
  ["PartnerNotifications", "function", 5, 1, "PartnerNotifications"],
  ["partners", "store", 6, 1, "Event Grid, partners", "PartnerNotifications"],

  ["visitors", "outside", 0, 2.5, "Visitors", "CollectClicks"],
  ["CollectClicks", "function", 1, 2.5, "CollectClicks"],
  ["clicks", "log", 2, 2.5, "hub clicks", "CollectClicks"],
  ["RecentlyViewed", "function", 3, 2, "RecentlyViewed"],
  ["site/visitors", "store", 6, 2, "site/visitors", "RecentlyViewed"],
  ["Trends", "function", 3, 3, "Trends"],
  ["analytics/windows", "store", 4, 3, "analytics/windows", "Trends"],
  ["TrendRollup", "function", 5, 3, "TrendRollup"],
  ["site/trending", "store", 6, 3, "site/trending", "TrendRollup"],
  ["Anomalies", "function", 5, 4, "Anomalies"],
  ["analytics", "store", 6, 4, "hub analytics", "Anomalies"],

  ["capture", "store", 2, 5, "captured files", "CaptureBatch"],
  ["CaptureBatch", "function", 3, 5, "CaptureBatch"],
  ["co-views", "store", 4, 5, "reports, co-views", "CaptureBatch"],
  ["Recommendations", "function", 5, 5, "Recommendations"],
  ["site/recommendations", "store", 6, 5, "site/recommendations", "Recommendations"],
];

/** Edges: `[from, to, carries]`; `carries` is the log whose rate in runs there, or the function whose rate does. */
export const EDGES = [
  ["staff", "Products", { log: "catalog/products" }],
  ["Products", "catalog/products", { log: "catalog/products" }],
  ["catalog/products", "ProductChanges", { reader: "ProductChanges" }],
  ["ProductChanges", "products", { log: "products" }],
  ["products", "ProductProjection", { reader: "ProductProjection" }],
  ["ProductProjection", "site/products", { reader: "ProductProjection" }],
  ["products", "PartnerNotifications", { reader: "PartnerNotifications" }],
  ["PartnerNotifications", "partners", { reader: "PartnerNotifications" }],
  ["visitors", "CollectClicks", { log: "clicks" }],
  ["CollectClicks", "clicks", { log: "clicks" }],
  ["clicks", "RecentlyViewed", { reader: "RecentlyViewed" }],
  ["RecentlyViewed", "site/visitors", { reader: "RecentlyViewed" }],
  ["clicks", "Trends", { reader: "Trends" }],
  ["Trends", "analytics/windows", { reader: "Trends" }],
  ["analytics/windows", "TrendRollup", {}],
  ["TrendRollup", "site/trending", {}],
  ["TrendRollup", "Anomalies", {}],
  ["Anomalies", "analytics", {}],
  ["clicks", "capture", { log: "clicks" }],
  ["capture", "CaptureBatch", {}],
  ["CaptureBatch", "co-views", {}],
  ["co-views", "Recommendations", {}],
  ["Recommendations", "site/recommendations", {}],
];
