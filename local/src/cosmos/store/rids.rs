//! Resource ids of what the account holds.

use crate::cosmos::{
    data::item_key::{self, ItemKey},
    store::account::Account,
    wire::{
        request::ContainerName,
        resource_ids::{ItemAddress, ResourceIds},
    },
};

impl ResourceIds for Account {
    fn database_id(&self, name: &str) -> Option<String> {
        self.catalogue().database(name).ok().map(|database| database.id.to_string())
    }

    fn database_name(&self, resource_id: &str) -> Option<String> {
        let catalogue = self.catalogue();
        let mut databases = catalogue.databases();
        databases.find(|database| database.id.to_string() == resource_id).map(|database| database.name.clone())
    }

    fn container_id(&self, name: &ContainerName) -> Option<String> {
        self.container(name).ok().map(|container| container.id.to_string())
    }

    fn container_name(&self, resource_id: &str) -> Option<ContainerName> {
        self.named(resource_id).map(|container| container.name.clone())
    }

    fn item(&self, name: &ContainerName, resource_id: &str, partition_key: Option<&str>) -> Option<ItemAddress> {
        let container = self.container(name).ok()?;
        let number = container.id.document_number(resource_id)?;
        let key: ItemKey = container.state().numbered(number)?.clone();
        let stated = partition_key.and_then(|header| item_key::of_header(header).ok());
        let is_of_partition_key =
            stated.is_some_and(|values| item_key::effective(&container.partition_key, &values) == key.effective());
        Some(ItemAddress { id: key.id().to_owned(), is_of_partition_key })
    }
}
