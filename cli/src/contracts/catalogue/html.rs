//! HTML as a tree, whose text is escaped when it is written: nothing that a schema says can be markup.

use std::fmt::Write as _;

/// A part of a page.
pub(super) enum Node {
    Text(String),
    Element { tag: &'static str, attributes: Vec<(&'static str, String)>, children: Vec<Node> },
}

/// Elements without an end.
const VOID: [&str; 4] = ["input", "link", "meta", "br"];

pub(super) fn text(text: impl Into<String>) -> Node {
    Node::Text(text.into())
}

pub(super) fn el(tag: &'static str, class: &str, children: Vec<Node>) -> Node {
    let attributes = if class.is_empty() { Vec::new() } else { vec![("class", class.to_owned())] };
    Node::Element { tag, attributes, children }
}

pub(super) fn link(address: &str, label: impl Into<String>) -> Node {
    el("a", "", vec![text(label)]).with("href", address)
}

pub(super) fn code(label: impl Into<String>) -> Node {
    el("code", "", vec![text(label)])
}

impl Node {
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Element { attributes, .. } = &mut self {
            attributes.push((name, value.into()));
        }
        self
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => escape(text, out),
            Self::Element { tag, attributes, children } => {
                _ = write!(out, "<{tag}");
                for (name, value) in attributes {
                    _ = write!(out, " {name}=\"");
                    escape(value, out);
                    out.push('"');
                }
                out.push('>');
                for child in children {
                    child.write(out);
                }
                if !VOID.contains(tag) {
                    _ = write!(out, "</{tag}>");
                }
            }
        }
    }
}

/// What would be markup is escaped; what would change the direction of the text around it is shown by its code.
fn escape(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(letter),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                _ = write!(out, "[U+{:04X}]", u32::from(letter));
            }
            _ if letter.is_control() => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
}

/// A page of the catalogue.
pub(super) fn page(title: &str, current: &str, main: Vec<Node>) -> String {
    let meta = |name: &str, content: &str| el("meta", "", Vec::new()).with("name", name).with("content", content);
    let stylesheet = |file: &str| el("link", "", Vec::new()).with("rel", "stylesheet").with("href", file);
    let head = el(
        "head",
        "",
        vec![
            el("meta", "", Vec::new()).with("charset", "utf-8"),
            meta("viewport", "width=device-width, initial-scale=1"),
            meta("color-scheme", "light dark"),
            meta("referrer", "no-referrer"),
            el("title", "", vec![text(format!("{title} · Contoso Events"))]),
            el("link", "", Vec::new()).with("rel", "icon").with("href", "icon.svg").with("type", "image/svg+xml"),
            stylesheet("style.css"),
            stylesheet("catalogue.css"),
            el("script", "", Vec::new()).with("src", "catalogue.js").with("defer", ""),
        ],
    );
    let tab = |file: &str, label: &str| {
        let tab = link(file, label);
        if file == current { tab.with("aria-current", "page") } else { tab }
    };
    let bar = el(
        "header",
        "bar",
        vec![
            el("a", "brand", vec![el("span", "", vec![text("Contoso Events")])])
                .with("href", "index.html")
                .with("aria-label", "Contoso Events: the catalogue"),
            el("nav", "pages", vec![tab("index.html", "Events"), tab("changelog.html", "Changelog")])
                .with("aria-label", "Pages"),
        ],
    );
    let foot = el(
        "footer",
        "foot",
        vec![
            el("p", "", vec![link("events.json", "The same for programs")]),
            el("p", "", vec![link("asyncapi.json", "AsyncAPI")]),
            el("p", "", vec![text("Made by "), code("contoso schemas docs")]),
        ],
    );
    let body = el(
        "body",
        "",
        vec![
            el("a", "skip", vec![text("Skip to content")]).with("href", "#main"),
            bar,
            el("main", "", main).with("id", "main").with("tabindex", "-1"),
            foot,
        ],
    );
    let mut out = String::from("<!doctype html>\n");
    el("html", "", vec![head, body]).with("lang", "en").write(&mut out);
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        let doc = "</script><img src=x onerror=alert(1)> {{x}} \u{202e}gnp & 'q' \"q\"\u{0}";
        let page = page(doc, "", vec![el("p", "", vec![text(doc)]).with("title", doc)]);
        assert!(
            !page.contains("<img")
                && !page.contains("</script><img")
                && !page.contains('\u{202e}')
                && !page.contains('\u{0}')
        );
        assert!(page.contains("title=\"&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt; {{x}} [U+202E]gnp &amp; &#39;q&#39; &quot;q&quot;"), "{page}");
    }
}
