//! Temporary.
use super::*;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "by hand"]
async fn serve() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let cosmos = start_at(&storage(&directory), &clock).await;
    println!("ENDPOINT {}", cosmos.endpoint());
    std::fs::write(std::env::var("S_ENDPOINT").unwrap(), cosmos.endpoint()).unwrap();
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        if !std::path::Path::new(&std::env::var("S_ENDPOINT").unwrap()).exists() {
            return;
        }
    }
}
