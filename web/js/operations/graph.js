// The picture's plan: what stands where, and what leads to what. Functions and logs have the names of the API's answer.

/**
 * Nodes: `[id, kind, column, row, label, needs]`. A node is drawn if the app has the function that it is, or that it `needs`.
 * Kinds: `outside`, `function`, `log` (hub or feed, which have rates), `store`.
 */
export const NODES = [
  ["staff", "outside", 0, 1, "Staff", "Products"],
  ["Products", "function", 1, 1, "Products"],
  ["catalog/products", "log", 2, 1, "catalog/products", "ProductChanges"],
  ["ProductChanges", "function", 3, 1, "ProductChanges"],
  ["products", "log", 4, 1, "hub products", "ProductChanges"],
  ["ProductProjection", "function", 5, 0, "ProductProjection"],
  ["site/products", "store", 6, 0, "site/products", "ProductProjection"],
  ["PartnerNotifications", "function", 5, 1, "PartnerNotifications"],
  ["partners", "store", 6, 1, "Event Grid, partners", "PartnerNotifications"],
  ["PriceAlerts", "function", 5, 2, "PriceAlerts"],
  ["site/price-alerts", "store", 6, 2, "site/price-alerts", "PriceAlerts"],

  ["visitors", "outside", 0, 3.5, "Visitors", "CollectClicks"],
  ["CollectClicks", "function", 1, 3.5, "CollectClicks"],
  ["clicks", "log", 2, 3.5, "hub clicks", "CollectClicks"],
  ["RecentlyViewed", "function", 3, 3, "RecentlyViewed"],
  ["site/visitors", "store", 6, 3, "site/visitors", "RecentlyViewed"],
  ["Trends", "function", 3, 4, "Trends"],
  ["analytics/windows", "store", 4, 4, "analytics/windows", "Trends"],
  ["TrendRollup", "function", 5, 4, "TrendRollup"],
  ["site/trending", "store", 6, 4, "site/trending", "TrendRollup"],
  ["Anomalies", "function", 5, 5, "Anomalies"],
  ["analytics", "store", 6, 5, "hub analytics", "Anomalies"],

  ["partner", "outside", 0, 7, "Partners", "CollectFeedback"],
  ["CollectFeedback", "function", 1, 7, "CollectFeedback"],
  ["feedback", "log", 2, 7, "hub feedback", "CollectFeedback"],
  ["FeedbackProjection", "function", 5, 7, "FeedbackProjection"],
  ["site/ratings", "store", 6, 7, "site/ratings", "FeedbackProjection"],

  ["capture", "store", 2, 6, "captured files", "CaptureBatch"],
  ["CaptureBatch", "function", 3, 6, "CaptureBatch"],
  ["co-views", "store", 4, 6, "reports, co-views", "CaptureBatch"],
  ["Recommendations", "function", 5, 6, "Recommendations"],
  ["site/recommendations", "store", 6, 6, "site/recommendations", "Recommendations"],

  ["sales files", "outside", 0, 8, "Sales files", "SalesFileReceived"],
  ["SalesFileReceived", "function", 1, 8, "SalesFileReceived"],
  ["sales", "log", 2, 8, "hub sales", "SalesFileReceived"],
  ["SalesTotals", "function", 3, 8, "SalesTotals"],
  ["site/sales", "store", 6, 8, "site/sales", "SalesTotals"],
];

/** Functions that are not drawn: they answer readers, and are no part of a flow. */
export const NOT_DRAWN = ["DeadLetterReplays", "EraseVisitor", "Heartbeat", "OpsApi", "PartnerHealth", "PartnerRedelivery", "Partners", "SalesFileSlices",
  "SiteApi"];

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
  ["products", "PriceAlerts", { reader: "PriceAlerts" }],
  ["PriceAlerts", "site/price-alerts", { reader: "PriceAlerts" }],
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
  ["partner", "CollectFeedback", { log: "feedback" }],
  ["CollectFeedback", "feedback", { log: "feedback" }],
  ["feedback", "FeedbackProjection", { reader: "FeedbackProjection" }],
  ["FeedbackProjection", "site/ratings", { reader: "FeedbackProjection" }],
  ["clicks", "capture", { log: "clicks" }],
  ["capture", "CaptureBatch", {}],
  ["CaptureBatch", "co-views", {}],
  ["co-views", "Recommendations", {}],
  ["Recommendations", "site/recommendations", {}],
  ["sales files", "SalesFileReceived", { log: "sales" }],
  ["SalesFileReceived", "sales", { log: "sales" }],
  ["sales", "SalesTotals", { reader: "SalesTotals" }],
  ["SalesTotals", "site/sales", { reader: "SalesTotals" }],
];
