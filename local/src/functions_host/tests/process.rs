//! The life of the handler process, with `/bin/sh` as the handler.

use std::path::Path;

use serde_json::{Value, json};

use super::support::{FakeHandler, PATIENCE, World};

/// An app whose process runs a line of shell; probes are answered by `handler`, where there is one.
fn shell(world: &World, line: &str, handler: Option<&FakeHandler>) {
    let description = json!({"defaultExecutablePath": "/bin/sh", "arguments": ["-c", format!("\"{line}\"")]});
    match handler {
        Some(handler) => world.with_handler(handler, &json!({"customHandler": {"description": description}})),
        None => world.write("host.json", &json!({"version": "2.0", "customHandler": {"description": description}})),
    }
    world.function("Tick", &json!([{"type": "timerTrigger", "name": "tick", "schedule": "0 0 0 1 1 *"}]), &Value::Null);
}

/// Whether a process is there and no zombie. Its state tells, not its command line: that is empty for a moment inside `exec`.
fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).unwrap_or_default();
    // proc(5): the name in parentheses may hold anything, the state is the letter behind it.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

#[tokio::test]
async fn the_third_error_stops_the_host_with_the_last_words_of_the_handler() {
    let world = World::new().await;
    shell(
        &world,
        "echo 1 >&2; echo 2 >&2; echo 3 >&2; echo no port in $FUNCTIONS_CUSTOMHANDLER_PORT_ >&2; exit 7",
        None,
    );
    let host = world.start().await.expect("started");
    let stopped = tokio::time::timeout(PATIENCE, host.stopped()).await.expect("the host gives up");
    assert!(stopped.reason.contains("exit status: 7") && stopped.reason.contains("error 3"), "{stopped}");
    assert_eq!(stopped.stderr, ["2", "3", "no port in"]);
    assert!(host.ready().await.is_err());
    host.stop().await;
}

#[tokio::test]
async fn code_200_restarts_without_counting() {
    let world = World::new().await;
    let handler = FakeHandler::start().await;
    // Four restarts, then it stays.
    shell(
        &world,
        "test -e ddddd && exec sleep 1000; for n in d dd ddd dddd ddddd; do test -e $n || { touch $n; exit 200; }; done",
        Some(&handler),
    );
    let host = world.start().await.expect("started");
    world
        .until("the process that stays", || {
            world.app.path().join("ddddd").exists() && host.handler_pid().is_some_and(is_alive)
        })
        .await;
    host.ready().await.expect("still running");
    host.stop().await;
}

#[tokio::test]
async fn code_0_is_not_restarted() {
    let world = World::new().await;
    let handler = FakeHandler::start().await;
    shell(&world, "echo x >> starts; exit 0", Some(&handler));
    let host = world.start().await.expect("started");
    world
        .until("the end of the process", || host.handler_pid().is_none() && world.app.path().join("starts").exists())
        .await;
    let starts = std::fs::read_to_string(world.app.path().join("starts")).expect("written");
    assert_eq!(starts, "x\n");
    host.stop().await;
}

#[tokio::test]
async fn the_handler_is_given_its_environment_and_dies_with_the_host() {
    let world = World::new().await;
    let handler = FakeHandler::start().await;
    let variables = "$FUNCTIONS_CUSTOMHANDLER_PORT $FUNCTIONS_HTTPWORKER_PORT $FUNCTIONS_APP_ROOT_PATH $AzureFunctionsWebHost__hostid";
    shell(&world, &format!("echo {variables} > seen.tmp; mv seen.tmp seen; exec sleep 1000"), Some(&handler));
    let host = world.start().await.expect("started");
    let seen = world.app.path().join("seen");
    world.until("the environment", || seen.exists()).await;
    let seen = std::fs::read_to_string(seen).expect("written");
    let seen: Vec<&str> = seen.split_whitespace().collect();
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[2..], [world.app.path().to_str().expect("text"), "test"]);

    host.ready().await.expect("ready");
    let pid = host.handler_pid().expect("a process");
    assert!(is_alive(pid));
    host.stop().await;
    assert!(!is_alive(pid));

    let dropped = world.start().await.expect("started");
    dropped.ready().await.expect("ready");
    let pid = dropped.handler_pid().expect("a process");
    drop(dropped);
    world.until("the end of the handler", || !is_alive(pid)).await;
}

#[tokio::test]
async fn what_a_wrapper_script_starts_dies_with_it() {
    let world = World::new().await;
    let handler = FakeHandler::start().await;
    shell(&world, "sleep 1000 & echo $! > child.tmp; mv child.tmp child; wait", Some(&handler));
    let child = world.app.path().join("child");
    let started = async || {
        let host = world.start().await.expect("started");
        world.until("the child", || child.exists()).await;
        let pid: u32 = std::fs::read_to_string(&child).expect("written").trim().parse().expect("a number");
        assert!(is_alive(pid));
        std::fs::remove_file(&child).expect("removed");
        (host, pid)
    };
    let (host, pid) = started().await;
    host.stop().await;
    world.until("the end of the child", || !is_alive(pid)).await;
    let (host, pid) = started().await;
    drop(host);
    world.until("the end of the child", || !is_alive(pid)).await;
}

#[tokio::test]
async fn half_open_requests_do_not_hold_up_a_stop() {
    use tokio::io::AsyncWriteExt as _;

    let world = World::new().await;
    let handler = FakeHandler::start().await;
    shell(&world, "exec sleep 1000", Some(&handler));
    let host = world.start().await.expect("started");
    host.ready().await.expect("ready");
    let mut connection = tokio::net::TcpStream::connect(host.address()).await.expect("connected");
    connection
        .write_all(b"POST /api/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhalf")
        .await
        .expect("written");
    let asked = std::time::Instant::now();
    host.stop().await;
    assert!(asked.elapsed() < std::time::Duration::from_secs(3), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_function_that_takes_too_long_costs_the_handler_its_life() {
    let world = World::new().await;
    // Accepts connections and never answers an invocation.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = silent.local_addr().expect("bound").port();
    let router = axum::Router::new().route("/", axum::routing::get(|| async {})).fallback(std::future::pending::<()>);
    tokio::spawn(async move { axum::serve(silent, router).await });
    world.write(
        "host.json",
        &json!({"version": "2.0", "functionTimeout": "00:00:00.2", "customHandler": {
        "description": {"defaultExecutablePath": "sleep", "arguments": ["1000"]}, "port": port}}),
    );
    world.function("Tick", &json!([{"type": "timerTrigger", "name": "tick", "schedule": "0 0 0 1 1 *"}]), &Value::Null);
    let host = world.start().await.expect("started");
    host.ready().await.expect("ready");
    let pid = host.handler_pid().expect("a process");
    assert!(!host.fire_timer("Tick").await.expect("a timer"));
    world.until("another process", || host.handler_pid().is_some_and(|next| next != pid)).await;
    assert!(!is_alive(pid));
    host.stop().await;
}
