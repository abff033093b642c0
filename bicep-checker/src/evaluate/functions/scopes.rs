//! Functions that tell where a template deploys to, and ids.

use std::rc::Rc;

use super::{
    super::{
        Run, identifier,
        instance::{Instance, Scope},
    },
    Made, Value,
};

impl Run<'_> {
    pub(super) fn of_scope(&self, at: &Rc<Instance>, name: &str, arguments: &[Value]) -> Made {
        let circumstances = self.circumstances;
        let location = || Value::text(circumstances.location.as_str());
        Ok(match (name, arguments) {
            ("subscription", []) => Some(Value::object([
                ("id", Value::Text(circumstances.subscription())),
                ("subscriptionId", Value::text(circumstances.subscription_id.as_str())),
                ("tenantId", Value::text(circumstances.tenant_id.as_str())),
            ])),
            ("tenant", []) => Some(Value::object([("tenantId", Value::text(circumstances.tenant_id.as_str()))])),
            ("resourceGroup", []) => match &at.scope {
                Scope::Group(group) => Some(Value::object([
                    ("id", Value::Text(circumstances.scope_id(&at.scope))),
                    ("name", Value::text(group.as_str())),
                    ("location", location()),
                ])),
                Scope::Subscription => return Err("the file deploys to a subscription".to_owned()),
            },
            ("resourceGroup", [Value::Text(subscription), Value::Text(group)]) => {
                if *subscription != circumstances.subscription_id {
                    return Err(format!("the subscription {subscription}, which is not the deployment's"));
                }
                let scope = Scope::Group(group.clone());
                Some(Value::object([
                    ("id", Value::Text(circumstances.scope_id(&scope))),
                    ("name", Value::text(group.as_str())),
                ]))
            }
            ("deployment", []) => Some(Value::object([("name", Value::text("snapshot")), ("location", location())])),
            // Of the public cloud.
            ("environment", []) => Some(Value::object([
                ("name", Value::text("AzureCloud")),
                ("resourceManager", Value::text("https://management.azure.com/")),
                (
                    "authentication",
                    Value::object([("loginEndpoint", Value::text("https://login.microsoftonline.com/"))]),
                ),
                (
                    "suffixes",
                    Value::object([
                        ("storage", Value::text("core.windows.net")),
                        ("keyvaultDns", Value::text(".vault.azure.net")),
                        ("sqlServerHostname", Value::text(".database.windows.net")),
                    ]),
                ),
            ])),
            ("resourceId", arguments) => Some(id(&circumstances.scope_id(&at.scope), arguments)?),
            ("subscriptionResourceId", arguments) => Some(id(&circumstances.subscription(), arguments)?),
            ("readEnvironmentVariable", [Value::Text(variable), default @ ..]) => {
                let set = circumstances.variables.get(variable).map(|value| Value::text(value.as_str()));
                match set.or_else(|| default.first().cloned()) {
                    Some(value) => Some(value),
                    None => return Err(format!("{variable} is not set and has no default")),
                }
            }
            _ => None,
        })
    }
}

/// An id below a scope by type and names; as an expression where a name is known at run time only.
fn id(scope: &str, arguments: &[Value]) -> Result<Value, String> {
    let texts: Option<Vec<&str>> = arguments
        .iter()
        .map(|argument| if let Value::Text(text) = argument { Some(text.as_str()) } else { None })
        .collect();
    match texts.as_deref() {
        Some([kind, names @ ..]) => match identifier::below(scope, kind, names) {
            Some(id) => Ok(Value::Text(id)),
            None => Err(format!("{kind} does not go with {} names", names.len())),
        },
        _ if arguments.iter().any(Value::has_runtime) => {
            let arguments: Vec<String> = arguments.iter().map(Value::expression).collect();
            Ok(Value::Runtime(format!("resourceId({})", arguments.join(", "))))
        }
        _ => Err("arguments that are no strings".to_owned()),
    }
}
