//! Route to a destination: over HTTP, or to another service of the stack.

use url::Url;

use super::client::Recipient;
use crate::event_grid::subscription::{Destination, QueueLife};

/// The way to a destination that can be reached now.
#[derive(Clone, Debug)]
pub(super) enum Route {
    Http(Url, Recipient),
    Queue { name: String, life: QueueLife },
    EventHub(String),
}

impl Route {
    /// The way to `destination`; `None` while the functions host does not run. The base of the functions host may carry
    /// `code=<system key>` in its query, which is kept.
    pub(super) fn to(destination: &Destination, function_app: Option<&Url>) -> Option<Self> {
        Some(match destination {
            Destination::WebHook(url) => Self::Http(url.clone(), Recipient::WebHook),
            Destination::AzureFunction(name) => {
                let mut url = function_app?.clone();
                url.set_path("/runtime/webhooks/eventgrid");
                url.query_pairs_mut().append_pair("functionName", name);
                Self::Http(url, Recipient::Function)
            }
            Destination::FunctionApp(path) => {
                let mut url = function_app?.join(path).ok()?;
                if let Some((_, code)) = function_app?.query_pairs().find(|(name, _)| name == "code") {
                    url.query_pairs_mut().append_pair("code", &code);
                }
                Self::Http(url, Recipient::Function)
            }
            Destination::StorageQueue { queue, life } => Self::Queue { name: queue.clone(), life: *life },
            Destination::EventHub(hub) => Self::EventHub(hub.clone()),
        })
    }
}
