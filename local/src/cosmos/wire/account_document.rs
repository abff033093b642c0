//! The account: what `GET /` answers, which every client reads first.

use http::uri::Scheme;
use serde_json::{Value, json};

use crate::cosmos::wire::consistency;

/// A region as the account lists it.
pub(in crate::cosmos) struct Location<'a> {
    pub(in crate::cosmos) name: &'a str,
    pub(in crate::cosmos) authority: String,
}

/// Limits of the query engine, as text inside the account. The .NET client hands them to its parser of queries, and without
/// any it throws at the first query, later out of a finalizer, which ends the process. Names and values are those that the
/// service and its emulator send.
fn query_engine_configuration() -> String {
    json!({
        "allowNewKeywords": true,
        "clientDisableOptimisticDirectExecution": false,
        "enableSpatialIndexing": true,
        "maxInExpressionItemsCount": 16000,
        "maxJoinsPerSqlQuery": 5,
        "maxLogicalAndPerSqlQuery": 2000,
        "maxLogicalOrPerSqlQuery": 2000,
        "maxQueryRequestTimeoutFraction": 0.9,
        "maxSpatialQueryCells": 12,
        "maxSqlQueryInputLength": 262_144,
        "maxUdfRefPerSqlQuery": 10,
        "queryEnableFullText": true,
        "queryMaxInMemorySortDocumentCount": 500,
        "spatialMaxGeometryPointCount": 256,
        "sqlAllowAggregateFunctions": true,
        "sqlAllowGroupByClause": true,
        "sqlAllowLike": true,
        "sqlAllowNonFiniteNumbers": false,
        "sqlAllowScalarSubQuery": true,
        "sqlAllowSubQuery": true,
        "sqlAllowTop": true,
        "sqlDisableOptimizationFlags": 0,
        "sqlQueryILDisableOptimizationFlags": 0,
    })
    .to_string()
}

/// The account's document; `host` is how the client addressed it. Locations are given in the way the account was reached:
/// else the next request of a client that came over TLS, with its token, would go in plain text.
pub(in crate::cosmos) fn document(host: &str, scheme: &Scheme, writable: &[Location], readable: &[Location]) -> Value {
    // The service takes the first label of the host; an address has none.
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    let id = if is_address { "localhost" } else { host.split('.').next().unwrap_or(host) };
    let locations = |regions: &[Location]| -> Vec<Value> {
        let location = |Location { name, authority }: &Location| json!({ "name": name, "databaseAccountEndpoint": format!("{scheme}://{authority}/") });
        regions.iter().map(location).collect()
    };
    json!({
        "_self": "",
        "id": id,
        "_rid": format!("{id}.sql.cosmos.azure.com"),
        "media": "//media/",
        "addresses": "//addresses/",
        "_dbs": "//dbs/",
        "writableLocations": locations(writable),
        "readableLocations": locations(readable),
        "enableMultipleWriteLocations": false,
        "continuousBackupEnabled": false,
        "enableNRegionSynchronousCommit": false,
        "enablePerPartitionFailoverBehavior": false,
        "userReplicationPolicy": { "asyncReplication": false, "minReplicaSetSize": 3, "maxReplicasetSize": 4 },
        "userConsistencyPolicy": { "defaultConsistencyLevel": consistency::OF_ACCOUNT },
        "systemReplicationPolicy": { "minReplicaSetSize": 3, "maxReplicasetSize": 4 },
        "readPolicy": { "primaryReadCoefficient": 1, "secondaryReadCoefficient": 1 },
        "queryEngineConfiguration": query_engine_configuration(),
    })
}
