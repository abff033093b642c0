//! Routing: which function a path and method belong to.

use std::sync::Arc;

use http::Method;

use crate::functions_host::app::{App, Function, HttpTrigger, Parameters, RouteTemplate, Trigger};

/// The HTTP functions of the app, disabled ones too, in the order in which their routes are tried: that of their names. That one
/// route says more than another does not count.
///
/// Source: `FunctionMetadataManager` (by name, without regard to case), `WebJobsRouteBuilder` (a list of routes, the first wins).
pub(crate) struct Routes(Vec<Route>);

struct Route {
    function: Arc<Function>,
    /// With the prefix.
    template: RouteTemplate,
}

impl Routes {
    pub(crate) fn new(app: &App) -> Self {
        let route = |function: &Arc<Function>| {
            // Checked when the app was loaded.
            let template = http(function)?.route.below(&app.host.route_prefix).ok()?;
            Some(Route { function: Arc::clone(function), template })
        };
        let routes = Self(app.functions.iter().filter_map(route).collect());
        for (one, other) in routes.hidden() {
            tracing::warn!(
                "'{}' has requests that route '{}' of '{}' says more about: the host tries routes by the names of their functions",
                one.function.name,
                other.template.text(),
                other.function.name
            );
        }
        routes
    }

    /// The function and the values of its route parameters, by an unescaped path. A known path with another method is not
    /// found, as in the real host.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<(&Arc<Function>, &HttpTrigger, Parameters)> {
        self.0.iter().find_map(|Route { function, template }| {
            let trigger = http(function).filter(|trigger| trigger.takes(method.as_str()))?;
            Some((function, trigger, template.matches(path)?))
        })
    }

    /// Routes, each with a later one that those who know ASP.NET's precedence would expect to win.
    fn hidden(&self) -> Vec<(&Route, &Route)> {
        let enabled: Vec<&Route> = self.0.iter().filter(|route| !route.function.disabled).collect();
        let mut found = Vec::new();
        for (index, one) in enabled.iter().copied().enumerate() {
            let is_hidden = |other: &Route| {
                let methods = http(&one.function).zip(http(&other.function));
                methods.is_some_and(|(these, those)| these.shares_methods_with(those))
                    && other.template.precedence() < one.template.precedence()
                    && one.template.meets(&other.template)
            };
            found.extend(enabled[index + 1..].iter().filter(|other| is_hidden(other)).map(|other| (one, *other)));
        }
        found
    }
}

fn http(function: &Function) -> Option<&HttpTrigger> {
    match &function.trigger {
        Trigger::Http(trigger) => Some(trigger),
        _ => None,
    }
}
