//! App settings: what leads an app to the services of a stack.

use std::{collections::BTreeMap, net::SocketAddr};

use super::{Stack, StackError};
use crate::{functions_host::Services, identity};

impl Stack {
    /// The settings that lead an app with the identity `identity` to this stack's services.
    ///
    /// # Errors
    /// When the topology has no such identity.
    pub fn app_settings(&self, identity: &str) -> Result<BTreeMap<String, String>, StackError> {
        let unknown = || identity::Error::Unknown(identity.to_owned());
        let credentials = self.identity.credentials(identity).ok_or_else(unknown)?;
        let Services { event_hubs, cosmos, blobs, queues } = &self.services;
        let secure = |address: SocketAddr| format!("https://{address}");
        let blob_service = format!("{}/{}", secure(blobs.address()), blobs.account());
        let queue_service = queues.endpoint().replacen("http:", "https:", 1);
        let topic = self.endpoints.event_grid.topic_endpoint.replacen("http:", "https:", 1);
        let settings = [
            // A connection string in local.settings.json is for other hosts. Here it would beat the identity-based settings;
            // empty, it counts as absent.
            ("AzureWebJobsStorage", String::new()),
            ("AzureWebJobsStorage__blobServiceUri", blob_service.clone()),
            ("AzureWebJobsStorage__queueServiceUri", queue_service.clone()),
            ("AzureWebJobsStorage__credential", "managedidentity".to_owned()),
            ("EventHubs", String::new()),
            ("EventHubs__fullyQualifiedNamespace", format!("{}.servicebus.windows.net", event_hubs.namespace())),
            // A name: the AMQP client does not check certificates of addresses.
            ("EventHubs__customEndpoint", format!("amqps://localhost:{}", event_hubs.address().port())),
            ("Cosmos", String::new()),
            ("Cosmos__accountEndpoint", secure(cosmos.address())),
            ("Storage__blobServiceUri", blob_service),
            ("Storage__queueServiceUri", queue_service),
            ("EventGrid__topicEndpointUri", topic),
            ("EventGrid__topicId", self.endpoints.event_grid.topic_id.clone()),
            ("ResourceManager__endpoint", self.endpoints.event_grid.resource_manager.replacen("http:", "https:", 1)),
            ("LogAnalytics__endpoint", self.endpoints.monitor.log_analytics.clone()),
            ("LogAnalytics__workspaceId", self.endpoints.monitor.workspace_id.clone()),
            ("SchemaRegistry__endpoint", self.endpoints.event_hubs.schema_registry.clone()),
            ("SchemaRegistry__group", self.schema_group.clone()),
            ("IDENTITY_ENDPOINT", credentials.endpoint),
            ("IDENTITY_HEADER", credentials.header),
            // Read by OpenSSL, so by every client of the app.
            ("SSL_CERT_FILE", self.endpoints.ca_certificate.display().to_string()),
        ];
        Ok(settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}
