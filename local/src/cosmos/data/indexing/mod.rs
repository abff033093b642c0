//! Indexing policies: what the queries of a container may sort by. Nothing is indexed here; what the service could not serve of its
//! indexes is refused as it refuses it.
//!
//! Source: "Indexing policies in Azure Cosmos DB", and the texts of refusals as clients were seen to get them.

mod path;

use contoso_cosmos_query::OrderBy;
use contoso_json::Object;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::path::IndexPath;

const NOT_COMPOSITE: &str =
    "The order by query does not have a corresponding composite index that it can be served from.";
const EXCLUDED: &str = "The index path corresponding to the specified order-by item is excluded.";
const NO_ROOT: &str = "The special mandatory indexing path \"/\" is not provided in any of the path type sets. Please provide this path \
                       in one of the sets.";

/// What is indexed whatever a policy says, unless there is no index at all.
const ALWAYS: [&str; 2] = ["id", "_ts"];
const ETAG: &str = "_etag";
/// How the service writes that it leaves out the ETag.
const WITHOUT_ETAG: &str = "/\"_etag\"/?";

/// A policy as a client states it.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cosmos) struct StatedPolicy {
    indexing_mode: Option<String>,
    #[serde(rename = "automatic")]
    _automatic: Option<bool>,
    included_paths: Option<Vec<Object<StatedPath>>>,
    excluded_paths: Option<Vec<Object<StatedPath>>>,
    composite_indexes: Option<Vec<Vec<Object<StatedSort>>>>,
}

#[derive(Deserialize)]
struct StatedPath {
    path: String,
}

#[derive(Deserialize)]
struct StatedSort {
    path: String,
    order: Option<String>,
}

/// One path of a composite index.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sort {
    steps: Vec<String>,
    descending: bool,
}

/// What a container's index has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cosmos) struct IndexingPolicy {
    /// Whether there is one.
    pub(in crate::cosmos) is_on: bool,
    included: Vec<IndexPath>,
    excluded: Vec<IndexPath>,
    composites: Vec<Vec<Sort>>,
}

impl IndexingPolicy {
    /// # Errors
    /// What the service does not take, as a sentence.
    pub(in crate::cosmos) fn read(stated: &StatedPolicy) -> Result<Self, String> {
        let is_on = match stated.indexing_mode.as_deref() {
            None => true,
            Some(mode) if mode.eq_ignore_ascii_case("consistent") => true,
            Some(mode) if mode.eq_ignore_ascii_case("none") => false,
            Some(mode) if mode.eq_ignore_ascii_case("lazy") => {
                return Err("New containers cannot select the indexing mode lazy.".to_owned());
            }
            Some(mode) => return Err(format!("The indexing mode {mode:?} is none of consistent and none.")),
        };
        let (mut included, mut excluded) = (paths(&stated.included_paths)?, paths(&stated.excluded_paths)?);
        if is_on && included.is_empty() && excluded.is_empty() {
            included.push(IndexPath::read("/*")?);
        }
        if is_on && !included.iter().chain(&excluded).any(|path| path.steps.is_empty()) {
            return Err(NO_ROOT.to_owned());
        }
        if let Some(both) = included.iter().find(|path| excluded.contains(path)) {
            return Err(format!("The indexing path /{} is included and excluded.", both.steps.join("/")));
        }
        if !included.iter().chain(&excluded).any(|path| path.steps == [ETAG]) {
            excluded.push(IndexPath::read(WITHOUT_ETAG)?);
        }
        let composites = stated.composite_indexes.iter().flatten().map(|sorts| composite(sorts));
        Ok(Self { is_on, included, excluded, composites: composites.collect::<Result<_, String>>()? })
    }

    /// The policy that a stored definition has. One that an earlier version took and this one would not is as if none were stated.
    pub(in crate::cosmos) fn stored(definition: &Map<String, Value>) -> Result<Self, String> {
        let stated = definition.get("indexingPolicy").cloned();
        let stated = stated.and_then(|policy| serde_json::from_value::<Object<StatedPolicy>>(policy).ok());
        let policy = stated.and_then(|Object(stated)| Self::read(&stated).ok());
        policy.map_or_else(|| Self::read(&StatedPolicy::default()), Ok)
    }

    /// Whether rows can be sorted so; `computed` are the names of computed properties, which no wildcard of the root has.
    ///
    /// # Errors
    /// The service's sentence where no index serves it.
    pub(in crate::cosmos) fn check(&self, order: &[OrderBy], computed: &[&str]) -> Result<(), &'static str> {
        // What is no path, such as a distance of vectors, takes no such index.
        let paths: Option<Vec<_>> = order.iter().map(|by| Some((by.path.as_ref()?, by.descending))).collect();
        match paths.as_deref() {
            None | Some([]) => Ok(()),
            Some([(path, _)]) => self.has(path, computed).then_some(()).ok_or(EXCLUDED),
            Some(paths) => {
                let serves = |sorts: &Vec<Sort>, is_reversed: bool| {
                    let mut pairs = sorts.iter().zip(paths);
                    sorts.len() == paths.len()
                        && pairs.all(|(sort, (path, descending))| {
                            sort.steps == **path && (sort.descending != *descending) == is_reversed
                        })
                };
                let is_served = self.composites.iter().any(|sorts| serves(sorts, false) || serves(sorts, true));
                (self.is_on && is_served).then_some(()).ok_or(NOT_COMPOSITE)
            }
        }
    }

    /// Whether the value at a path is indexed.
    fn has(&self, path: &[String], computed: &[&str]) -> bool {
        let is_computed = path.first().is_some_and(|name| computed.contains(&name.as_str()));
        let most_precise = |paths: &[IndexPath]| {
            let about_it = paths.iter().filter(|it| it.has(path) && !(is_computed && it.steps.is_empty()));
            about_it.map(IndexPath::precision).max()
        };
        let is_always = matches!(path, [name] if ALWAYS.contains(&name.as_str()));
        self.is_on && (is_always || most_precise(&self.included) > most_precise(&self.excluded))
    }
}

fn paths(stated: &Option<Vec<Object<StatedPath>>>) -> Result<Vec<IndexPath>, String> {
    stated.iter().flatten().map(|Object(stated)| IndexPath::read(&stated.path)).collect()
}

fn composite(stated: &[Object<StatedSort>]) -> Result<Vec<Sort>, String> {
    if stated.len() < 2 {
        return Err("A composite index has two paths or more.".to_owned());
    }
    let sort = |Object(stated): &Object<StatedSort>| {
        let descending = match stated.order.as_deref() {
            None => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(order) => return Err(format!("The order {order:?} of a composite index is none.")),
        };
        Ok(Sort { steps: IndexPath::read_composite(&stated.path)?, descending })
    };
    stated.iter().map(sort).collect()
}

/// A policy as the service answers it: with what was left out.
pub(in crate::cosmos) fn answered(stated: Option<&Value>) -> Value {
    let mut members = stated.and_then(Value::as_object).cloned().unwrap_or_default();
    members.retain(|_, value| !value.is_null());
    let mode = members.get("indexingMode").and_then(Value::as_str).unwrap_or("consistent").to_ascii_lowercase();
    let is_on = mode != "none";
    members.insert("indexingMode".to_owned(), mode.into());
    members.entry("automatic").or_insert(is_on.into());
    let list = |members: &Map<String, Value>, name: &str| {
        members.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let (mut included, mut excluded) = (list(&members, "includedPaths"), list(&members, "excludedPaths"));
    if is_on {
        if included.is_empty() && excluded.is_empty() {
            included.push(json!({ "path": "/*" }));
        }
        let is_etag = |path: &Value| {
            let path = path["path"].as_str().and_then(|path| IndexPath::read(path).ok());
            path.is_some_and(|path| path.steps == [ETAG])
        };
        if !included.iter().chain(&excluded).any(is_etag) {
            excluded.push(json!({ "path": WITHOUT_ETAG }));
        }
    }
    members.insert("includedPaths".to_owned(), included.into());
    members.insert("excludedPaths".to_owned(), excluded.into());
    for sort in members.get_mut("compositeIndexes").and_then(Value::as_array_mut).into_iter().flatten() {
        for path in sort.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            path.entry("order").or_insert("ascending".into());
        }
    }
    members.into()
}

#[cfg(test)]
mod tests {
    use contoso_cosmos_query::Query;

    use super::*;

    fn read(policy: Value) -> Result<IndexingPolicy, String> {
        let Object(stated) = serde_json::from_value(policy).unwrap();
        IndexingPolicy::read(&stated)
    }

    fn sorts(policy: &IndexingPolicy, order: &str) -> Result<(), &'static str> {
        let query = Query::parse(&format!("SELECT * FROM c ORDER BY {order}")).unwrap();
        policy.check(&query.order_by_paths(), &["computed", "both"])
    }

    /// The table of "ORDER BY queries on multiple properties", and the rules of precedence.
    #[test]
    fn rows_are_sorted_by_what_is_indexed() {
        let policy = read(json!({
            "includedPaths": [{ "path": "/*" }, { "path": "/food/ingredients/nutrition/*" }, { "path": "/both/?" }, { "path": "/a/?" }],
            "excludedPaths": [{ "path": "/food/ingredients/*" }, { "path": "/a/*" }],
            "compositeIndexes": [[{ "path": "/name", "order": "ascending" }, { "path": "/age" }, { "path": "/timestamp" }],
                [{ "path": "/name" }, { "path": "/\"age\"", "order": "descending" }]],
        }))
        .unwrap();
        for order in [
            "c.name",
            "c.food.taste",
            "c.food.ingredients.nutrition.fat DESC",
            "c.id",
            "c._ts DESC",
            "c.a",
            "c.both",
            "c.name, c.age, c.timestamp",
            "c.name DESC, c.age DESC, c.timestamp DESC",
            "c.name, c.age DESC",
            "c.name DESC, c[\"age\"]",
        ] {
            assert_eq!(sorts(&policy, order), Ok(()), "{order}");
        }
        for order in ["c.food.ingredients.salt", "c._etag", "c.a.b", "c.computed"] {
            assert_eq!(sorts(&policy, order), Err(EXCLUDED), "{order}");
        }
        for order in ["c.name, c.age", "c.age, c.name DESC", "c.name, c.age, c.timestamp DESC", "c.id, c._ts"] {
            assert_eq!(sorts(&policy, order), Err(NOT_COMPOSITE), "{order}");
        }
        let few =
            read(json!({ "includedPaths": [{ "path": "/b/[]/n/?" }], "excludedPaths": [{ "path": "/*" }] })).unwrap();
        assert_eq!((sorts(&few, "c.id"), sorts(&few, "c.b")), (Ok(()), Err(EXCLUDED)));
        let none = read(json!({ "indexingMode": "None" })).unwrap();
        assert_eq!(sorts(&none, "c.id"), Err(EXCLUDED));
    }

    #[test]
    fn a_policy_is_refused_as_a_whole_or_answered_in_full() {
        for (policy, named) in [
            (json!({ "includedPaths": [{ "path": "/a/?" }] }), "mandatory indexing path"),
            (json!({ "indexingMode": "foo" }), "foo"),
            (json!({ "excludedPaths": [{ "path": "a/?" }] }), "'a/?'"),
            (
                json!({ "includedPaths": [{ "path": "/*" }], "excludedPaths": [{ "path": "/" }] }),
                "included and excluded",
            ),
            (json!({ "compositeIndexes": [[{ "path": "/a" }]] }), "two paths"),
            (json!({ "compositeIndexes": [[{ "path": "/a" }, { "path": "/b", "order": "up" }]] }), "up"),
        ] {
            let message = read(policy).unwrap_err();
            assert!(message.contains(named), "{message}");
        }
        let whole = json!({
            "indexingMode": "consistent", "automatic": true,
            "includedPaths": [{ "path": "/*" }], "excludedPaths": [{ "path": WITHOUT_ETAG }],
        });
        for stated in [
            None,
            Some(json!({})),
            Some(json!({ "indexingMode": "Consistent", "includedPaths": [] })),
            Some(whole.clone()),
        ] {
            assert_eq!(answered(stated.as_ref()), whole);
        }
        let partial =
            json!({ "excludedPaths": [{ "path": "/*" }], "compositeIndexes": [[{ "path": "/a" }, { "path": "/b" }]] });
        let filled = answered(Some(&partial));
        assert_eq!((&filled["includedPaths"], &filled["excludedPaths"][1]["path"]), (&json!([]), &json!(WITHOUT_ETAG)));
        assert_eq!(filled["compositeIndexes"][0][1]["order"], "ascending");
    }
}
