//! The services' lists of operations, read from their source: what is matched there is what is served.

/// `Enum::Variant` for every variant of the enum `name`.
pub(super) fn variants(text: &str, name: &str) -> Vec<String> {
    let start = [format!("enum {name} {{"), format!("enum {name}<'c> {{"), format!("enum {name}<'a> {{")]
        .iter()
        .find_map(|head| Some(text.find(head.as_str())? + head.len()))
        .unwrap_or_else(|| panic!("there is no enum {name}"));
    let body = &text[start..];
    let body = &body[..body.find("\n}").expect("it ends")];
    body.lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .map(|line| line.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default())
        .map(|variant| format!("{name}::{variant}"))
        .collect()
}

/// `"words"` for what stands between `before` and `after` on one line.
pub(super) fn literals(text: &str, before: &str, after: &str) -> Vec<String> {
    text.match_indices(before)
        .filter_map(|(at, _)| {
            let rest = &text[at + before.len()..];
            let words = &rest[..rest.find(after)?];
            let one = !words.is_empty() && !words.contains(['"', '\n', '{']);
            one.then(|| format!("\"{words}\""))
        })
        .collect()
}
