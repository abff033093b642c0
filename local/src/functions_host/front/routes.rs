//! Routing: which function a path and method belong to.

use std::sync::Arc;

use http::Method;

use crate::functions_host::app::{App, Function, HttpTrigger, Parameters, Trigger};

/// The HTTP functions of the app in order of precedence.
pub(crate) struct Routes {
    prefix: String,
    functions: Vec<Arc<Function>>,
}

impl Routes {
    pub(crate) fn new(app: &App) -> Self {
        let mut functions: Vec<_> = app.enabled().filter(|function| http(function).is_some()).map(Arc::clone).collect();
        functions.sort_by_key(|function| http(function).map(|trigger| trigger.route.precedence()));
        Self { prefix: app.host.route_prefix.clone(), functions }
    }

    /// The function and the values of its route parameters. A known path with another method is not found, as in the
    /// real host.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<(&Arc<Function>, &HttpTrigger, Parameters)> {
        let below = self.below_prefix(path)?;
        self.functions.iter().find_map(|function| {
            let trigger = http(function)?;
            if !trigger.methods.iter().any(|known| known == method.as_str()) {
                return None;
            }
            Some((function, trigger, trigger.route.matches(below)?))
        })
    }

    fn below_prefix<'p>(&self, path: &'p str) -> Option<&'p str> {
        let path = path.strip_prefix('/')?;
        if self.prefix.is_empty() {
            return Some(path);
        }
        let (start, rest) = path.split_at_checked(self.prefix.len())?;
        let whole_segment = rest.is_empty() || rest.starts_with('/');
        (start.eq_ignore_ascii_case(&self.prefix) && whole_segment).then_some(rest)
    }
}

fn http(function: &Function) -> Option<&HttpTrigger> {
    match &function.trigger {
        Trigger::Http(trigger) => Some(trigger),
        _ => None,
    }
}
