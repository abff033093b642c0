//! Command line of the handler, cut into arguments as the host does.

/// Splits at white space; double quotes hold a part together, `\"` is a quote, other backslashes stay.
///
/// The host joins all parts with single spaces and lets the platform cut them again, so an argument with a space that
/// is not quoted in `host.json` arrives as two.
pub(crate) fn split(line: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut current: Option<String> = None;
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&'"') => {
                characters.next();
                current.get_or_insert_default().push('"');
            }
            '"' => {
                quoted = !quoted;
                current.get_or_insert_default();
            }
            space if space.is_whitespace() && !quoted => arguments.extend(current.take()),
            other => current.get_or_insert_default().push(other),
        }
    }
    arguments.extend(current);
    arguments
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn arguments_are_cut_as_the_platform_cuts_them() {
        assert_eq!(split(r#"run  --name "a b" \"c\" "" C:\x"#), ["run", "--name", "a b", "\"c\"", "", r"C:\x"]);
        assert!(split("  ").is_empty());
    }
}
