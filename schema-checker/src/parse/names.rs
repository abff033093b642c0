//! Names, and namespaces.

/// Full name of `name`, with the namespace that stands beside it, or that around it.
pub(super) fn full(name: &str, namespace: Option<&str>, around: &str) -> String {
    if name.contains('.') {
        return name.to_owned();
    }
    match namespace.unwrap_or(around) {
        "" => name.to_owned(),
        namespace => format!("{namespace}.{name}"),
    }
}

/// The namespace of a full name; empty if it has none.
pub(crate) fn namespace(full: &str) -> &str {
    full.rsplit_once('.').map_or("", |(namespace, _)| namespace)
}

/// The name without its namespace.
pub(crate) fn short(full: &str) -> &str {
    full.rsplit_once('.').map_or(full, |(_, name)| name)
}

/// Whether every parser takes the name: letters, digits and underscores of ASCII, and no digit first.
pub(crate) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether each part of a full name is a name.
pub(super) fn is_full_name(name: &str) -> bool {
    name.split('.').all(is_name)
}
