//! Connections: `connection` in a binding names a setting or a section of settings, never the secret itself.

use super::settings::Settings;

/// What a connection name resolves to.
#[derive(Clone, Copy)]
pub(crate) enum Connection<'a> {
    /// A connection string.
    Text(&'a str),
    /// Settings `NAME__key`, with the name they were found under.
    Section(&'a Settings, Prefix),
}

/// Which of the two names of a section is in use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prefix {
    AzureWebJobs,
    None,
}

impl Settings {
    /// Looks a connection up as the host does: `AzureWebJobsNAME` before `NAME`, each first under `ConnectionStrings`;
    /// a plain value before a section.
    pub(crate) fn connection(&self, name: &str) -> Option<Connection<'_>> {
        let names = [(Prefix::AzureWebJobs, format!("AzureWebJobs{name}")), (Prefix::None, name.to_owned())];
        for (prefix, name) in names {
            let text = self.get(&format!("ConnectionStrings__{name}")).or_else(|| self.get(&name));
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                return Some(Connection::Text(text));
            }
            let section = format!("{}__", name.to_lowercase());
            if self.environment().any(|(key, _)| key.to_lowercase().starts_with(&section)) {
                return Some(Connection::Section(self, prefix));
            }
        }
        None
    }

    /// One `key` of a connection: member `in_text` of a connection string, or setting `NAME__in_section`.
    pub(crate) fn connection_value(&self, name: &str, in_text: &str, in_section: &str) -> Option<&str> {
        match self.connection(name)? {
            Connection::Text(text) => member(text, in_text),
            Connection::Section(settings, prefix) => {
                let section = if prefix == Prefix::AzureWebJobs { "AzureWebJobs" } else { "" };
                settings.get(&format!("{section}{name}__{in_section}"))
            }
        }
    }
}

/// A member of a connection string, such as `Endpoint` of `Endpoint=sb://…;EntityPath=…`.
fn member<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.split(';')
        .filter_map(|part| part.split_once('='))
        .find_map(|(name, value)| name.trim().eq_ignore_ascii_case(key).then_some(value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefixed_name_wins_and_text_and_sections_are_both_read() {
        let mut settings = Settings::default();
        settings.set("Hubs__fullyQualifiedNamespace", "shop.servicebus.windows.net".to_owned());
        let namespace = |settings: &Settings| {
            settings.connection_value("Hubs", "Endpoint", "fullyQualifiedNamespace").map(str::to_owned)
        };
        assert_eq!(namespace(&settings).as_deref(), Some("shop.servicebus.windows.net"));
        settings.set("AzureWebJobsHubs", "Endpoint=sb://other/;SharedAccessKey=a=b".to_owned());
        assert_eq!(namespace(&settings).as_deref(), Some("sb://other/"));
        assert!(settings.connection("Nothing").is_none());
    }
}
