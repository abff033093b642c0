//! Path normalization: paths that are judged in one place and used in another: forwarded by a client, or handed to
//! Cosmos DB.
//!
//! Who reads a URL by the WHATWG standard, as browsers and the `url` crate do, rewrites its path: `\` becomes `/`, the
//! segments `.` and `..` are resolved, escaped (`%2e`) or not, tabs and line ends vanish, and what a path may not hold is
//! escaped. A gateway that judges one spelling and passes on another lets everybody through, so that such a path is refused.

use url::Url;

/// An absolute path that every reader of URLs leaves as it is, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlainPath(String);

impl PlainPath {
    /// `path` with its leading slash, without a query; `None` where a reader would make another path of it.
    pub(crate) fn new(path: &str) -> Option<Self> {
        let read = Url::parse(&format!("http://localhost{path}")).ok()?;
        (path.starts_with('/') && read.path() == path).then(|| Self(path.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of this path and `query` at `origin`, such as `http://127.0.0.1:7071`.
    pub(crate) fn at(&self, origin: &str, query: Option<&str>) -> String {
        let (mark, query) = query.map_or(("", ""), |query| ("?", query));
        format!("{origin}{}{mark}{query}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_that_somebody_reads_otherwise_is_none() {
        let plain = [
            "/",
            "//",
            "/api/products/a%20b",
            "/api//products/1/",
            "/a%2Fb%5Cc%25%2e%00%FF%zz",
            "/a;b=1/...,/..a/.%2ea/~'()*!$&+,:@|^[]",
            "/%2e%2e%2fadmin",
        ];
        for path in plain {
            assert_eq!(PlainPath::new(path).expect(path).as_str(), path);
        }
        let rewritten = [
            "",
            "*",
            "api",
            "?a",
            "/a?b",
            "/a#b",
            "/..",
            "/.",
            "/a/../b",
            "/a/./b",
            "/a/%2e%2e/b",
            "/a/.%2E",
            "/a/%2E./b",
            "/a/%2e/",
            "/a\\b",
            "/a/..\\b",
            "\\a",
            "/a\tb",
            "/a/.\t./b",
            "/a\n",
            "/a\r/b",
            "/a\u{0}b",
            "/a b",
            " /a",
            "/a ",
            "/ä",
            "/a\"b",
            "/a{b}",
            "/a<b>",
            "/a`b",
            "/a\u{7f}",
            "@elsewhere/a",
            ":80/a",
            ".example/a",
        ];
        for path in rewritten {
            assert_eq!(PlainPath::new(path), None, "{path:?}");
        }
    }

    proptest! {
        /// What is judged is what is sent, to whatever address; and only ASCII is.
        #[test]
        fn a_plain_path_is_sent_as_it_was_judged(
            path in r"(/(\.|%2[eE]|%5[cC]|%2[fF]|\\|[ab;:@?#]|\t|\PC){0,4}){1,4}",
        ) {
            if let Some(plain) = PlainPath::new(&path) {
                let sent = Url::parse(&plain.at("https://[::1]:81", Some("a=/../\\"))).expect("a URL");
                prop_assert_eq!((sent.path(), sent.query()), (path.as_str(), Some("a=/../\\")));
                prop_assert_eq!((sent.host_str(), sent.port()), (Some("[::1]"), Some(81)));
                prop_assert!(path.is_ascii() && !path.contains('\\'));
                let dots = |segment: &str| matches!(segment.to_lowercase().replace("%2e", ".").as_str(), "." | "..");
                prop_assert!(!path.split('/').any(dots));
            }
        }
    }
}
