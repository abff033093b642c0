//! The first part of docs/partners.md, command by command, in the order in which they stand there.

use std::{path::Path, process::Command};

use serde_json::json;

use super::{ROOT, checkout, receiver::Receiver};
use crate::support::{Shop, contoso, eventually};

const SECTION: &str = "## From nothing to a verified notification in ten minutes\n";

/// The blocks of the section in a language.
fn blocks(language: &str) -> Vec<String> {
    let page = checkout("docs/partners.md");
    let section = page.split_once(SECTION).expect("the section").1;
    let section = section.split_once("\n## ").expect("another one").0;
    let fence = format!("```{language}\n");
    let parts = section.split(&fence).skip(1);
    parts.map(|part| part.split_once("```").expect("the end of a block").0.to_owned()).collect()
}

/// A terminal: what one block sets, the next one has.
struct Terminal<'a> {
    folder: &'a Path,
    /// What is another address here, and where that is.
    elsewhere: Vec<(&'static str, String)>,
}

impl Terminal<'_> {
    fn script(&self, block: &str) -> String {
        self.elsewhere.iter().fold(block.to_owned(), |block, (from, to)| block.replace(from, to))
    }

    fn bash(&self, script: &str) -> Command {
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", script]).current_dir(self.folder).env("PYTHONDONTWRITEBYTECODE", "1");
        bash
    }

    /// Types a block, which must succeed, and returns what it printed.
    fn types(&self, block: &str) -> String {
        let block = self.script(block);
        let kept = "[ ! -f kept ] || . ./kept\n";
        let output = self.bash(&format!("{kept}{block}\ndeclare -p KEY API >kept")).output().expect("bash starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{block}: {said} {}", String::from_utf8_lossy(&output.stderr));
        said
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_walk_of_the_page_ends_in_a_verified_notification() {
    let shop = Shop::empty().await;
    let price = |amount: &str| json!({"name": "Aero Headphones", "category": "Audio", "price": {"amount": amount, "currency": "USD"}});
    shop.put_product("aero-headphones", &price("79.99")).await;
    shop.site_shows_price("aero-headphones", "79.99").await;

    // A checkout in which nothing is left behind.
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    std::os::unix::fs::symlink(Path::new(ROOT).join("examples"), folder.path().join("examples")).expect("a link");
    let functions = shop.endpoint("/functions").trim_start_matches("http://").to_owned();
    let partners =
        format!("{} partners --endpoints {} ", contoso().get_program().display(), shop.endpoints_file().display());
    let mut terminal = Terminal {
        folder: folder.path(),
        elsewhere: vec![("localhost:7071", functions), ("./contoso partners ", partners)],
    };
    let mut blocks = blocks("sh").into_iter();
    terminal.types(&blocks.next().expect("a key"));
    let listens = blocks.next().expect("a receiver").replace("python3 ", "exec python3 ");
    let mut receiver = Receiver::start(terminal.bash(&format!("{} --port 0", listens.trim_end()))).await;
    let port = receiver.port().to_owned();
    terminal.elsewhere.push(("localhost:3000", format!("localhost:{port}")));

    let says = async |receiver: &Receiver, begins: &str| {
        eventually(begins, || async {
            let said = receiver.said();
            if said.iter().any(|line| line.starts_with(begins)) {
                Ok(())
            } else {
                Err(format!("{said:?}\n{}", shop.log()))
            }
        })
        .await;
    };
    let (mut last, mut printed) = (String::new(), Vec::new());
    for block in blocks {
        last = terminal.types(&block);
        printed.extend(last.lines().map(str::to_owned));
        if block.contains("/resume") {
            assert!(last.contains(r#""name":"active""#), "{last}");
            says(&receiver, "notice com.contoso.partner.welcome.v1").await;
        } else if block.contains("/test") {
            says(&receiver, "notice com.contoso.partner.test.v1").await;
        } else if block.contains("PATCH") {
            says(&receiver, "applied com.contoso.product.changed.v1 aero-headphones").await;
        } else if block.contains("%{http_code}") {
            assert_eq!(last, "401\n");
        }
    }
    let state = "aero-headphones 2 69.00 USD\n";
    assert_eq!(last, state, "what it knows at the end");
    // What the page shows, as often as there: lines of the receiver, and of commands.
    let page = self::blocks("text").concat().replace("127.0.0.1:3000", &format!("127.0.0.1:{port}"));
    eventually("all that the page shows", || async {
        let seen = [receiver.said(), printed.clone()].concat();
        let often = |line: &str, lines: &[&str]| lines.iter().filter(|there| **there == line).count();
        let (shown, seen) = (page.lines().collect::<Vec<_>>(), seen.iter().map(String::as_str).collect::<Vec<_>>());
        match shown.iter().find(|line| often(line, &seen) < often(line, &shown)) {
            Some(missing) => Err(format!("{missing}: {seen:?}")),
            None => Ok(()),
        }
    })
    .await;

    // The receiver dies, and everything is published once more: the state is as it was.
    receiver.kill();
    let receiver = Receiver::start(terminal.bash(&format!("{} --port {port}", listens.trim_end()))).await;
    let lever = format!("{}/functions/PartnerNotifications/redeliver", shop.endpoint("/control"));
    let pulled = shop.http.post(lever).json(&json!({})).send().await.expect("an answer");
    assert!(pulled.status().is_success(), "{}", pulled.status());
    says(&receiver, "repeat com.contoso.product.changed.v1 aero-headphones 2").await;
    // A newer one, with the secrets of after the rotation.
    shop.put_product("aero-headphones", &price("64.00")).await;
    says(&receiver, "applied com.contoso.product.changed.v1 aero-headphones 3 64.00 USD").await;
    let shows = listens.lines().last().expect("a line").replace("--secrets target/acme/secret.json ", "");
    let shown = terminal.bash(&format!("{} --show", shows.trim_end())).output().expect("bash starts");
    assert_eq!(String::from_utf8_lossy(&shown.stdout), "aero-headphones 3 64.00 USD\n", "{shown:?}");
}
