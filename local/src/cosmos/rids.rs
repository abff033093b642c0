//! Resource ids of what the account holds.

use crate::cosmos::{
    account::Account,
    wire::{
        request::ContainerName,
        resource_ids::{ItemAddress, ResourceIds, decode},
    },
};

impl ResourceIds for Account {
    /// A container's resource id begins with that of its database; one without containers is addressed by name only.
    fn database_id(&self, name: &str) -> Option<String> {
        let of_database = self.feeds().names().into_iter().find(|container| container.database == name)?;
        database_of(self.feeds().container(&of_database)?.rid())
    }

    fn database_name(&self, resource_id: &str) -> Option<String> {
        let is_in = |name: &ContainerName| {
            self.feeds().container(name).is_some_and(|feed| database_of(feed.rid()).as_deref() == Some(resource_id))
        };
        self.feeds().names().into_iter().find(is_in).map(|name| name.database)
    }

    fn container_id(&self, name: &ContainerName) -> Option<String> {
        Some(self.feeds().container(name)?.rid().to_owned())
    }

    fn container_name(&self, resource_id: &str) -> Option<ContainerName> {
        let is_it = |name: &ContainerName| self.feeds().container(name).is_some_and(|feed| feed.rid() == resource_id);
        self.feeds().names().into_iter().find(is_it)
    }

    /// None: those of the emulator are new at each start.
    fn item(&self, _: &ContainerName, _: &str, _: Option<&str>) -> Option<ItemAddress> {
        None
    }
}

/// The resource id of the database of a container.
fn database_of(container: &str) -> Option<String> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    Some(STANDARD.encode(decode(container)?.get(..4)?).replace('/', "-"))
}
