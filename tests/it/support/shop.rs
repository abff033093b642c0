//! One `contoso up` as a child process.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use contoso_local::stack::Endpoints;
use serde_json::Value;
use tempfile::TempDir;

use super::{
    contoso,
    dead_letters::{self, Expected},
    eventually,
    machine::time_passes,
    staged_app,
};

/// How to start a shop.
#[derive(Clone, Default)]
pub(crate) struct ShopOptions {
    /// A catalogue to seed; otherwise the shop starts empty.
    pub(crate) catalogue: Option<PathBuf>,
    /// The packaged app; otherwise the one every test shares.
    pub(crate) app: Option<PathBuf>,
    /// More arguments of `contoso up`.
    pub(crate) arguments: Vec<String>,
    /// More environment.
    pub(crate) environment: Vec<(String, String)>,
}

/// A running shop. Its processes end with it, after a look for dead letters.
pub(crate) struct Shop {
    stack: Child,
    /// No services are left to look at.
    has_ended: bool,
    data_dir: TempDir,
    options: ShopOptions,
    dead_letters: Expected,
    /// The ready line.
    pub(crate) endpoints: Value,
    /// For the test's own requests.
    pub(crate) http: reqwest::Client,
}

impl Shop {
    /// Starts a shop without products.
    pub(crate) async fn empty() -> Self {
        Self::start(ShopOptions::default()).await
    }

    /// Starts a shop on a new data directory.
    pub(crate) async fn start(options: ShopOptions) -> Self {
        Self::start_in(TempDir::new().expect("a temporary folder"), options).await
    }

    /// `contoso up` on a data directory.
    fn command(data_dir: &Path, options: &ShopOptions) -> Command {
        let mut command = contoso();
        command.args(["up", "--ports", "auto", "--app"]);
        command.arg(options.app.as_deref().unwrap_or_else(|| staged_app()));
        command.arg("--data-dir").arg(data_dir);
        match &options.catalogue {
            Some(file) => command.arg("--catalogue").arg(file),
            None => command.arg("--no-catalogue"),
        };
        command.args(&options.arguments).envs(options.environment.clone()).stderr(log_file(data_dir));
        command
    }

    /// Starts a shop on this data directory.
    pub(crate) async fn start_in(data_dir: TempDir, options: ShopOptions) -> Self {
        let mut command = Self::command(data_dir.path(), &options);
        let mut stack = command.stdout(Stdio::piped()).spawn().expect("contoso starts");
        let stdout = stack.stdout.take().expect("standard output is piped");
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| line)
        })
        .await
        .expect("no panic")
        .expect("standard output is readable");
        let endpoints = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("no ready line ({error}): {line:?}\n{}", log_of(data_dir.path())));
        let (has_ended, dead_letters, http) = (false, Expected::default(), reqwest::Client::new());
        Self { stack, has_ended, data_dir, options, dead_letters, endpoints, http }
    }

    /// `endpoints.json`, for other commands.
    pub(crate) fn endpoints_file(&self) -> PathBuf {
        self.data_dir.path().join("endpoints.json")
    }

    /// The whole log.
    pub(crate) fn whole_log(&self) -> String {
        std::fs::read_to_string(self.data_dir.path().join("up.log")).unwrap_or_default()
    }

    /// What the stack and the app logged last.
    pub(crate) fn log(&self) -> String {
        log_of(self.data_dir.path())
    }

    /// Kills the stack without warning, together with the handler, and starts it on the same data directory.
    pub(crate) async fn crash_and_restart(self) -> Self {
        self.crash().restart().await
    }

    /// Waits for the stack to end by itself; its exit code, and what it left.
    pub(crate) async fn ends(mut self) -> (Option<i32>, Crashed) {
        let status = eventually("the end of the stack", || {
            let state = self.stack.try_wait().expect("waiting works");
            async move { state.ok_or_else(|| "it still runs".to_owned()) }
        })
        .await;
        (status.code(), self.crash())
    }

    /// Kills the stack without warning, together with the handler. What is expected of dead letters goes on in the next one.
    pub(crate) fn crash(mut self) -> Crashed {
        self.kill_stack();
        let data_dir = std::mem::replace(&mut self.data_dir, TempDir::new().expect("a temporary folder"));
        Crashed { data_dir, options: self.options.clone(), dead_letters: std::mem::take(&mut self.dead_letters) }
    }

    /// Waits until a function has parked so many records, which the test then expects at its end.
    pub(crate) async fn parks(&self, function: &str, count: usize) {
        self.dead_letters.come(&self.addresses(), function, count).await;
    }

    /// All dead letters, each with its name.
    pub(crate) async fn letters(&self) -> String {
        dead_letters::texts(&self.addresses()).await
    }

    /// The look of the end, for a test that kills the stack and starts none after it.
    pub(crate) async fn looks_for_dead_letters(&self) {
        if let Err(complaint) = self.dead_letters.check(&self.addresses()).await {
            panic!("{complaint}");
        }
    }

    fn addresses(&self) -> Endpoints {
        serde_json::from_value(self.endpoints.clone()).expect("the ready line is a list of endpoints")
    }

    /// Kills the handler; the host starts a new one.
    pub(crate) async fn kill_handler(&self) {
        let pid = eventually("a running handler", || async {
            children_of(self.stack.id()).first().copied().ok_or_else(|| "the stack has no child".to_owned())
        })
        .await;
        signal(pid, "-KILL");
        eventually("the end of the handler", || async {
            if children_of(self.stack.id()).contains(&pid) { Err(format!("{pid} still runs")) } else { Ok(()) }
        })
        .await;
    }

    /// Interrupts the stack as Ctrl-C does, and returns the exit code and the processes it left behind.
    pub(crate) async fn interrupt(mut self) -> (Option<i32>, Vec<u32>) {
        self.looks_for_dead_letters().await;
        let children = children_of(self.stack.id());
        signal(self.stack.id(), "-INT");
        let code = eventually("the end of the stack", || {
            let state = self.stack.try_wait().expect("waiting works");
            async move { state.ok_or_else(|| "it still runs".to_owned()) }
        })
        .await
        .code();
        self.has_ended = true;
        (code, children.into_iter().filter(|pid| is_alive(*pid)).collect())
    }

    fn kill_stack(&mut self) {
        self.has_ended = true;
        kill(&mut self.stack);
    }

    /// An address of the ready line, by JSON pointer.
    pub(crate) fn endpoint(&self, pointer: &str) -> &str {
        self.endpoints
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("no {pointer} in the ready line"))
    }

    /// `<functions>/api/<path>`.
    pub(crate) fn api(&self, path: &str) -> String {
        format!("{}/api/{path}", self.endpoint("/functions"))
    }

    /// `PUT /api/products/{id}`, which must succeed.
    pub(crate) async fn put_product(&self, id: &str, body: &Value) -> Value {
        let answer = self.http.put(self.api(&format!("products/{id}"))).json(body).send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "PUT {id}: {status} {text}\n{}", self.log());
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// `PATCH /api/products/{id}`, which must succeed.
    pub(crate) async fn patch_product(&self, id: &str, body: &Value) {
        let answer = self.http.patch(self.api(&format!("products/{id}"))).json(body).send().await.expect("an answer");
        let status = answer.status();
        assert!(status.is_success(), "PATCH {id}: {status} {}", answer.text().await.expect("a body"));
    }

    /// The site's projection of a product; `None` where it has none.
    pub(crate) async fn site_product(&self, id: &str) -> Option<Value> {
        let answer = self.http.get(self.api(&format!("site/products/{id}"))).send().await.ok()?;
        answer.status().is_success().then_some(())?;
        answer.json().await.ok()
    }

    /// Waits until the site shows `price` for the product.
    pub(crate) async fn site_shows_price(&self, id: &str, price: &str) -> Value {
        eventually(&format!("price {price} of {id} on the site"), || async {
            let product = self.site_product(id).await;
            match product {
                Some(product) if product["price"]["amount"] == price => Ok(product),
                other => Err(format!("{other:?}\n{}", self.log())),
            }
        })
        .await
    }

    /// What the demo partner got, newest first, each event once.
    pub(crate) async fn partner_events(&self) -> Vec<Value> {
        self.partner_inbox().await["events"].as_array().cloned().unwrap_or_default()
    }

    /// The demo partner's whole inbox, with its counts.
    pub(crate) async fn partner_inbox(&self) -> Value {
        let answer = self
            .http
            .get(format!("{}/partner?format=json", self.endpoint("/site")))
            .send()
            .await
            .expect("the partner answers");
        answer.json().await.expect("JSON")
    }

    /// Waits until the partner got an event for which `wanted` holds.
    pub(crate) async fn partner_gets(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("{what} at the partner"), || async {
            let events = self.partner_events().await;
            events.iter().find(|event| wanted(event)).cloned().ok_or_else(|| format!("{events:?}\n{}", self.log()))
        })
        .await
    }
}

/// What a killed stack left.
pub(crate) struct Crashed {
    data_dir: TempDir,
    options: ShopOptions,
    dead_letters: Expected,
}

impl Crashed {
    /// The data directory.
    pub(crate) fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    /// Starts a stack on it.
    pub(crate) async fn restart(self) -> Shop {
        let mut shop = Shop::start_in(self.data_dir, self.options).await;
        shop.dead_letters = self.dead_letters;
        shop
    }

    /// Starts a stack on it and kills it so soon that it may not be ready.
    pub(crate) async fn restart_and_kill_within(&self, time: std::time::Duration) {
        let mut stack =
            Shop::command(self.data_dir.path(), &self.options).stdout(Stdio::null()).spawn().expect("contoso starts");
        time_passes(time).await;
        kill(&mut stack);
    }
}

/// Kills a stack and its handler.
fn kill(stack: &mut Child) {
    let children = children_of(stack.id());
    // Already gone is as good.
    let _gone = stack.kill();
    let _status = stack.wait();
    for pid in children {
        signal(pid, "-KILL");
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // A test that fails already says more about it than what it leaves.
        let is_to_be_looked_at = !self.has_ended && !std::thread::panicking();
        let checked = is_to_be_looked_at.then(|| elsewhere(self.dead_letters.check(&self.addresses())));
        self.kill_stack();
        if let Some(Err(complaint)) = checked {
            panic!("{complaint}");
        }
    }
}

/// Waits for work where a drop cannot, since the test's own runtime may have this one thread.
fn elsewhere<T: Send>(work: impl Future<Output = T> + Send) -> T {
    let wait = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(work)
    };
    std::thread::scope(|threads| threads.spawn(wait).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn log_file(data_dir: &Path) -> Stdio {
    let path = data_dir.join("up.log");
    std::fs::OpenOptions::new().create(true).append(true).open(path).expect("a log file").into()
}

fn log_of(data_dir: &Path) -> String {
    let text = std::fs::read_to_string(data_dir.join("up.log")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| stat(*pid).is_some_and(|(state, owner)| owner == parent && state != "Z"))
        .collect()
}

pub(crate) fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != "Z")
}

/// State and parent of a process, from `/proc/<pid>/stat`; the name before them may hold blanks but ends with `)`.
fn stat(pid: u32) -> Option<(String, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

pub(crate) fn signal(pid: u32, name: &str) {
    let status = std::process::Command::new("kill").args([name, &pid.to_string()]).status().expect("kill runs");
    // The process may have ended meanwhile; the caller waits for that state anyhow.
    let _ended = status;
}
