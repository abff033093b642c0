//! Role assignments, as templates make them: a kind of resource, its name, and the id of a role.

use contoso_local::topology::RoleAssignment;
use serde::Serialize;

use super::built_in_roles;

/// Blob containers of the Functions host, which lie in an app's own account.
pub const OF_HOST: &str = "azure-webjobs-";

/// One role on one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// What kind of resource: it decides which resource of which type the role is assigned on.
    pub kind: Kind,
    /// The database of Cosmos DB; empty for all else.
    pub database: String,
    /// The hub, topic or container; empty if the kind says it all.
    pub name: String,
    /// Id (GUID) of the built-in role.
    pub role: &'static str,
}

/// What a role is assigned on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// The whole account of Cosmos DB.
    CosmosAccount,
    /// A database of it.
    CosmosDatabase,
    /// A container of a database.
    CosmosContainer,
    /// The namespace of Event Hubs with its schema registry.
    Namespace,
    /// A hub of it.
    Hub,
    /// The storage account of files.
    DataAccount,
    /// A blob container of it.
    DataContainer,
    /// A blob container of the Functions host, in an app's own account.
    HostContainer,
    /// Every topic of Event Grid.
    Topics,
    /// One topic.
    Topic,
    /// The Log Analytics workspace.
    Workspace,
}

/// An assignment that no template can make.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// The role is not in the list of built-in roles.
    #[error("the id of role {0:?} is not known: add it to cli/src/bicep/built_in_roles.rs")]
    Role(String),
    /// The scope is no kind of resource that templates assign roles on.
    #[error("no template assigns roles on scope {0:?}")]
    Scope(String),
}

impl TryFrom<&RoleAssignment> for Grant {
    type Error = GrantError;

    fn try_from(RoleAssignment { role, scope }: &RoleAssignment) -> Result<Self, GrantError> {
        let parts: Vec<&str> = scope.split('/').collect();
        let (kind, database, name) = match *parts.as_slice() {
            ["cosmos"] => (Kind::CosmosAccount, "", ""),
            ["cosmos", database] => (Kind::CosmosDatabase, database, ""),
            ["cosmos", database, container] => (Kind::CosmosContainer, database, container),
            ["eventHubs"] => (Kind::Namespace, "", ""),
            ["eventHubs", hub] => (Kind::Hub, "", hub),
            // Of the account, since queues of listeners come and go; roles on queues reach nothing else of it.
            ["storage"] | ["storage", "queues"] => (Kind::DataAccount, "", ""),
            ["storage", "blobs", container] if container.starts_with(OF_HOST) => (Kind::HostContainer, "", container),
            ["storage", "blobs", container] => (Kind::DataContainer, "", container),
            ["eventGrid"] => (Kind::Topics, "", ""),
            ["eventGrid", "topics", topic] => (Kind::Topic, "", topic),
            ["logAnalytics"] => (Kind::Workspace, "", ""),
            _ => return Err(GrantError::Scope(scope.clone())),
        };
        let role = built_in_roles::id(role).ok_or_else(|| GrantError::Role(role.clone()))?;
        Ok(Self { kind, database: database.to_owned(), name: name.to_owned(), role })
    }
}

/// The grants of these assignments.
///
/// # Errors
/// When one cannot be made.
pub fn grants(roles: &[RoleAssignment]) -> Result<Vec<Grant>, GrantError> {
    roles.iter().map(Grant::try_from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(role: &str, scope: &str) -> Result<(Kind, String, String), GrantError> {
        let assignment = RoleAssignment { role: role.to_owned(), scope: scope.to_owned() };
        Grant::try_from(&assignment).map(|grant| (grant.kind, grant.database, grant.name))
    }

    #[test]
    fn a_grant_is_on_what_its_scope_names() {
        let named = |kind, database: &str, name: &str| (kind, database.to_owned(), name.to_owned());
        let blob = |container: &str| grant("Storage Blob Data Reader", &format!("storage/blobs/{container}")).unwrap();
        assert_eq!(blob("reports"), named(Kind::DataContainer, "", "reports"));
        assert_eq!(blob("azure-webjobs-hosts"), named(Kind::HostContainer, "", "azure-webjobs-hosts"));
        let cosmos = |scope| grant("Cosmos DB Built-in Data Reader", scope).unwrap();
        assert_eq!(cosmos("cosmos/site/visitors"), named(Kind::CosmosContainer, "site", "visitors"));
        assert_eq!(cosmos("cosmos/site"), named(Kind::CosmosDatabase, "site", ""));
    }

    #[test]
    fn a_role_without_an_id_and_a_scope_without_a_resource_are_refused() {
        assert!(matches!(grant("Storage Blob Data reader", "storage"), Err(GrantError::Role(_))));
        // A receiver on a consumer group starts no trigger: the host asks for the hub.
        let group = grant("Azure Event Hubs Data Receiver", "eventHubs/clicks/consumerGroups/trends");
        assert!(matches!(group, Err(GrantError::Scope(_))));
    }
}
