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
    /// The way to `destination`; `None` while the functions host does not run. The base of the functions host may carry keys in
    /// its query: `code` for all its webhooks, or one under the name of an extension's system key, such as
    /// `blobs_extension`. The one that fits goes along as `code`.
    pub(super) fn to(destination: &Destination, function_app: Option<&Url>) -> Option<Self> {
        Some(match destination {
            Destination::WebHook(url) => Self::Http(url.clone(), Recipient::WebHook),
            Destination::AzureFunction(name) => {
                let base = function_app?;
                let mut url = base.clone();
                url.set_path("/runtime/webhooks/eventgrid");
                url.set_query(None);
                if let Some(code) = code(base, url.path()) {
                    url.query_pairs_mut().append_pair("code", &code);
                }
                url.query_pairs_mut().append_pair("functionName", name);
                Self::Http(url, Recipient::Function)
            }
            Destination::FunctionApp(path) => {
                let base = function_app?;
                let mut url = base.join(path).ok()?;
                if let Some(code) = code(base, url.path()) {
                    url.query_pairs_mut().append_pair("code", &code);
                }
                Self::Http(url, Recipient::Function)
            }
            Destination::StorageQueue { queue, life } => Self::Queue { name: queue.clone(), life: *life },
            Destination::EventHub(hub) => Self::EventHub(hub.clone()),
        })
    }
}

/// The key of `base` for the webhook that `path` leads to.
fn code(base: &Url, path: &str) -> Option<String> {
    let extension = path.strip_prefix("/runtime/webhooks/")?.split('/').next()?.to_ascii_lowercase();
    let key = |wanted: &str| base.query_pairs().find(|(name, _)| name == wanted).map(|(_, key)| key.into_owned());
    key(&format!("{extension}_extension")).or_else(|| key("code"))
}
