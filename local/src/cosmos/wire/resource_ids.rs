//! Resource ids: links such as `dbs/AAAABA==/colls/AAAABIAAAAE=/pkranges`, which address by `_rid` what others address by name.
//!
//! Clients follow the `_self` of an answer, and the .NET client reads ranges by it always. A request that addresses by
//! resource ids is rewritten to one by names before anything but its signature is looked at.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::cosmos::wire::request::{ContainerName, PARTITION_KEY, Request, encode};

/// An item as a path and the header `x-ms-documentdb-partitionkey` name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cosmos) struct ItemAddress {
    pub(in crate::cosmos) id: String,
    /// Whether the partition key that the request's header states is the item's.
    pub(in crate::cosmos) is_of_partition_key: bool,
}

/// What a store knows of resource ids.
pub(in crate::cosmos) trait ResourceIds {
    /// The resource id of a database.
    fn database_id(&self, name: &str) -> Option<String>;

    /// The name of the database with this resource id.
    fn database_name(&self, resource_id: &str) -> Option<String>;

    /// The resource id of a container.
    fn container_id(&self, name: &ContainerName) -> Option<String>;

    /// The name of the container with this resource id.
    fn container_name(&self, resource_id: &str) -> Option<ContainerName>;

    /// The item of a container with this resource id; `partition_key` is the request's header.
    fn item(&self, container: &ContainerName, resource_id: &str, partition_key: Option<&str>) -> Option<ItemAddress>;
}

/// How the path of a request addresses a resource.
pub(in crate::cosmos) enum Address {
    /// By names, or there is but one way to do it.
    Names,
    /// As far as is known here by names, though clients take the database's for a resource id: it has the form of one, or is
    /// that of a database that is gone.
    Either,
    /// By resource ids; this is the same request by names.
    Ids(Box<Request>),
}

/// How `request` addresses what it is about.
pub(in crate::cosmos) fn address(request: &Request, ids: &impl ResourceIds) -> Address {
    let segments = request.segments();
    let ["dbs", database, rest @ ..] = segments.as_slice() else { return Address::Names };
    if !is_database_id(database) {
        return Address::Names;
    }
    if ids.database_id(database).is_some() {
        return Address::Either;
    }
    match by_names(request, database, rest, ids) {
        Some(path) => Address::Ids(Box::new(request.with_path(&path))),
        None => Address::Either,
    }
}

/// Whether a segment has the form of a database's resource id: four bytes in base64, with `-` for `/`.
fn is_database_id(segment: &str) -> bool {
    decode(segment).is_some_and(|bytes| bytes.len() == 4)
}

/// The bytes of a resource id.
pub(in crate::cosmos) fn decode(resource_id: &str) -> Option<Vec<u8>> {
    STANDARD.decode(resource_id.replace('-', "/")).ok()
}

/// The path by names, if what it leads through is there.
fn by_names(request: &Request, database: &str, rest: &[&str], ids: &impl ResourceIds) -> Option<String> {
    let database = ids.database_name(database)?;
    let ["colls", container, rest @ ..] = rest else {
        return Some(joined(&["dbs", &database], rest));
    };
    let name = ids.container_name(container).filter(|name| name.database == database)?;
    let parent = ["dbs", &name.database, "colls", &name.container];
    let ["docs", item, rest @ ..] = rest else { return Some(joined(&parent, rest)) };
    let found = ids.item(&name, item, request.header(&PARTITION_KEY)).filter(|found| found.is_of_partition_key);
    // What is not there is looked for by its resource id, so that the answer is that of an item that is missing.
    let id = found.map_or_else(|| (*item).to_owned(), |found| found.id);
    Some(joined(&[parent.as_slice(), &["docs", &id]].concat(), rest))
}

fn joined(parent: &[&str], rest: &[&str]) -> String {
    parent.iter().chain(rest).map(|segment| encode(segment)).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, Method};

    use super::*;

    /// One database `shop` with one container `items` of one item.
    struct Shop;

    impl ResourceIds for Shop {
        fn database_id(&self, name: &str) -> Option<String> {
            (name == "shop" || name == "NAMEBA==").then(|| "AAAABA==".to_owned())
        }

        fn database_name(&self, resource_id: &str) -> Option<String> {
            (resource_id == "AAAABA==").then(|| "shop".to_owned())
        }

        fn container_id(&self, name: &ContainerName) -> Option<String> {
            (name == &ContainerName::new("shop", "a b")).then(|| "AAAABIAAAAE=".to_owned())
        }

        fn container_name(&self, resource_id: &str) -> Option<ContainerName> {
            (resource_id == "AAAABIAAAAE=").then(|| ContainerName::new("shop", "a b"))
        }

        fn item(&self, _: &ContainerName, resource_id: &str, partition_key: Option<&str>) -> Option<ItemAddress> {
            (resource_id == "AAAABIAAAAEBAAAAAAAAAA==")
                .then(|| ItemAddress { id: "1/2".to_owned(), is_of_partition_key: partition_key == Some("[\"p\"]") })
        }
    }

    fn path(path: &str, partition_key: &'static str) -> Result<String, bool> {
        let headers = HeaderMap::from_iter([(PARTITION_KEY.clone(), http::HeaderValue::from_static(partition_key))]);
        match address(&Request::new(Method::GET, path, headers, Bytes::new()), &Shop) {
            Address::Ids(request) => Ok(request.path),
            Address::Names => Err(false),
            Address::Either => Err(true),
        }
    }

    #[test]
    fn a_self_link_becomes_a_path_of_names() {
        for (link, expected) in [
            ("/dbs/AAAABA==/", "dbs/shop"),
            ("/dbs/AAAABA%3D%3D/colls", "dbs/shop/colls"),
            ("/dbs/AAAABA==/colls/AAAABIAAAAE=/pkranges/", "dbs/shop/colls/a%20b/pkranges"),
            ("/dbs/AAAABA==/colls/AAAABIAAAAE=/docs/AAAABIAAAAEBAAAAAAAAAA==/", "dbs/shop/colls/a%20b/docs/1%2F2"),
        ] {
            assert_eq!(path(link, "[\"p\"]"), Ok(expected.to_owned()), "{link}");
        }
        let another = path("/dbs/AAAABA==/colls/AAAABIAAAAE=/docs/AAAABIAAAAEBAAAAAAAAAA==", "[\"q\"]").unwrap();
        assert!(another.ends_with("/docs/AAAABIAAAAEBAAAAAAAAAA%3D%3D"), "an item of another partition key: {another}");
    }

    #[test]
    fn a_name_stays_a_name_whatever_it_looks_like() {
        for (link, either) in [
            ("/", false),
            ("/offers/AAAABA==", false),
            ("/dbs/shop/colls/AAAABIAAAAE=", false),
            ("/dbs/NAMEBA==/colls/c", true),
            ("/dbs/database/colls/c", false),
            ("/dbs/AAAABQ==", true),
            ("/dbs/AAAABA==/colls/AAAABIAAAAI=", true),
        ] {
            assert_eq!(path(link, "[]"), Err(either), "{link}");
        }
    }
}
