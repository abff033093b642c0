//! Role assignments: what apps, their functions, pipelines and people may do.

use serde::Deserialize;

/// The managed identity of a pipeline, or of somebody's command.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Identity {
    /// Its name.
    pub name: String,
    /// What it may do.
    #[serde(default)]
    pub roles: Vec<RoleAssignment>,
}

/// A role, on something.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RoleAssignment {
    /// Name of a built-in role of Azure, such as `Azure Event Hubs Data Sender`.
    pub role: String,
    /// What it is on, with all below: `cosmos/<database>/<container>`, `eventHubs/<hub>/consumerGroups/<group>`,
    /// `eventHubs` (the namespace with its schema registry), `storage/blobs/<container>`, `storage/queues/<queue>`,
    /// `eventGrid/topics/<topic>`, `logAnalytics` (the workspace), or a part of these from the left.
    pub scope: String,
}

/// A function app. Its managed identity may do what any of its functions may.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct App {
    /// Its name, which is its identity's too.
    pub name: String,
    /// What every app of this package may do, whichever functions it runs: what the Functions host itself needs.
    #[serde(default)]
    pub roles: Vec<RoleAssignment>,
    /// Its functions.
    #[serde(default)]
    pub functions: Vec<Function>,
}

/// A function of an app.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Function {
    /// Its name, that of its folder.
    pub name: String,
    /// What it may do, so narrow that an app with this function alone works.
    #[serde(default)]
    pub roles: Vec<RoleAssignment>,
}

impl App {
    /// The identity of an app that runs those functions that `is_run` takes by name. An assignment that several need stands there once.
    #[must_use]
    pub fn identity(&self, is_run: impl Fn(&str) -> bool) -> Identity {
        let functions = self.functions.iter().filter(|function| is_run(&function.name));
        let mut roles: Vec<RoleAssignment> = Vec::new();
        for role in self.roles.iter().chain(functions.flat_map(|function| &function.roles)) {
            if !roles.contains(role) {
                roles.push(role.clone());
            }
        }
        Identity { name: self.name.clone(), roles }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_app_may_do_what_its_functions_may_and_no_more() {
        let role = |scope: &str| json!({ "role": "Storage Blob Data Reader", "scope": scope });
        let app: App = serde_json::from_value(json!({ "name": "shop", "roles": [role("a")], "functions": [
            { "name": "One", "roles": [role("b"), role("c")] },
            { "name": "Two", "roles": [role("c"), role("d")] } ] }))
        .unwrap();
        let scopes = |identity: Identity| identity.roles.into_iter().map(|role| role.scope).collect::<String>();
        assert_eq!(scopes(app.identity(|_| true)), "abcd");
        assert_eq!(scopes(app.identity(|name| name == "Two")), "acd");
    }
}
